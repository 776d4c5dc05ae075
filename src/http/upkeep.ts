import type { Logger } from '../core/ports.ts';

/** Milliseconds after the start, and from the end of one round to the next: as long as a snapshot usually lives. */
const firstMs = 1_000;
const everyMs = 240_000;

/**
 * Cleans up soon after the start, and then now and then. Its timers keep no process alive.
 * @returns what ends it, and waits for a round that is under way
 */
export function keepTidy(cleanUp: () => Promise<void>, logger: Logger): () => Promise<void> {
  let round: Promise<void> = Promise.resolve();
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const plan = (ms: number) => {
    timer = setTimeout(() => {
      round = cleanUp()
        .catch((error: unknown) => logger.log('error', `cleaning up failed: ${String(error)}`))
        .then(() => {
          if (!ended) plan(everyMs);
        });
    }, ms);
    timer.unref();
  };
  plan(firstMs);
  return async () => {
    ended = true;
    clearTimeout(timer);
    await round;
  };
}
