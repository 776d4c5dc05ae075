/** How long a brake waits for a disk before it answers, in milliseconds; what it stops is stopped all the same. */
export const brakePatience = 2_000;

/**
 * Waits for jobs that were begun together, until the last of them has ended: what one of them opened can then be closed,
 * whatever became of the others.
 *
 * @returns what they gave, in their order
 * @throws the failure of the first that failed, in their order
 */
export async function together<T extends readonly unknown[] | []>(
  jobs: T,
): Promise<{ -readonly [N in keyof T]: Awaited<T[N]> }> {
  await Promise.allSettled(jobs);
  return Promise.all(jobs);
}

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
