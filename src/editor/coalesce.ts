export interface Coalesced {
  /** Asks for the job. However often it is asked for, it runs once at a time, and once more if asked meanwhile. */
  request(): void;
  dispose(): void;
}

/**
 * Turns a burst of events into few runs of a job: events of a busy server come faster than a tree should be drawn.
 *
 * @param job what to do
 * @param quietMs how long after the first event the job starts, in milliseconds
 * @param failed told what the job threw; the next request runs it again
 */
export function coalesce(
  job: () => Promise<void>,
  quietMs: number,
  failed: (error: unknown) => void,
): Coalesced {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let again = false;
  let disposed = false;

  const run = async () => {
    timer = undefined;
    running = true;
    try {
      await job();
    } catch (error) {
      failed(error);
    } finally {
      running = false;
    }
    if (!again) return;
    again = false;
    request();
  };
  const request = () => {
    if (disposed || timer !== undefined) return;
    if (running) again = true;
    else timer = setTimeout(() => void run(), quietMs);
  };
  return {
    request,
    dispose() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
