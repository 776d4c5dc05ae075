export interface Coalesced {
  /** Asks for the job. However often it is asked for, it runs once at a time, and once more if asked meanwhile. */
  request(): void;
  dispose(): void;
}

/**
 * Milliseconds between two changes of a tree. The editor draws the first one at once, and the next ones only when there was
 * none for 200: without this rest, a busy server would keep its tree from being drawn at all.
 */
export const treeQuietMs = 220;

/**
 * Turns a burst of events into few runs of a job: events of a busy server come faster than a tree should be drawn. What
 * comes after a time of quiet is not held up.
 *
 * @param job what to do
 * @param quietMs how long after a run the next one starts at the earliest, in milliseconds
 * @param failed told what the job threw; the next request runs it again
 * @param gatherMs how long the first event waits for others that belong to it, in milliseconds
 */
export function coalesce(
  job: () => Promise<void>,
  quietMs: number,
  failed: (error: unknown) => void,
  gatherMs = 0,
): Coalesced {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let again = false;
  let disposed = false;
  let restsUntil = 0;

  const run = async () => {
    timer = undefined;
    running = true;
    try {
      await job();
    } catch (error) {
      failed(error);
    } finally {
      running = false;
      restsUntil = performance.now() + quietMs;
    }
    if (!again) return;
    again = false;
    request();
  };
  const request = () => {
    if (disposed || timer !== undefined) return;
    if (running) again = true;
    else timer = setTimeout(() => void run(), Math.max(gatherMs, restsUntil - performance.now()));
  };
  return {
    request,
    dispose() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
