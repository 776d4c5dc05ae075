/** How long a brake waits for a disk before it answers, in milliseconds; what it stops is stopped all the same. */
export const brakePatience = 2_000;

/**
 * Waits for something, but not for ever. It goes on all the same.
 *
 * @returns whether it has happened by then
 * @throws what it throws by then; what it throws later is for whoever else waits for it
 */
export async function within(ms: number, job: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([job.then(() => true), enough]);
  } finally {
    clearTimeout(timer);
  }
}
