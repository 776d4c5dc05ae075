/** Does one thing after the other. A failure of one does not keep the next from being done. */
export function createQueue(): <R>(job: () => Promise<R>) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const next = last.then(job, job);
    last = next.catch(() => undefined); // whoever asked for it gets the error; the next one only waits
    return next;
  };
}

/** A queue for each name; those of different names do not wait for each other. */
export function createQueues(): <R>(name: string, job: () => Promise<R>) => Promise<R> {
  const tails = new Map<string, Promise<unknown>>();
  return (name, job) => {
    const next = (tails.get(name) ?? Promise.resolve()).then(job, job);
    const tail = next
      .catch(() => undefined)
      .then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
    tails.set(name, tail);
    return next;
  };
}

/** Something that is loaded when it is first asked for. */
export interface Loaded<T> {
  /** What was loaded; those who ask while it loads share one load. A load that failed is tried again by the next. */
  get(): Promise<T>;
  /** The next who asks loads anew. */
  forget(): void;
}

export function createLoaded<T>(load: () => Promise<T>): Loaded<T> {
  let loading: Promise<T> | null = null;
  return {
    get() {
      loading ??= load().catch((error: unknown) => {
        loading = null; // the next one tries again
        throw error;
      });
      return loading;
    },
    forget() {
      loading = null;
    },
  };
}

/**
 * Shares work on a name among those who ask for it: whoever asks while it is under way waits for the next one, which is
 * one for all of them, since the first may have begun too soon to count for them.
 */
export function createShared(
  job: (name: string) => Promise<void>,
): (name: string) => Promise<void> {
  interface Turn {
    now: Promise<void>;
    next: Promise<void> | null;
  }
  const turns = new Map<string, Turn>();
  const begin = (name: string): Promise<void> => {
    const turn: Turn = {
      now: job(name).finally(() => {
        // Where somebody waits, the next turn takes this one's place.
        if (turn.next === null) turns.delete(name);
      }),
      next: null,
    };
    turns.set(name, turn);
    return turn.now;
  };
  return (name) => {
    const turn = turns.get(name);
    if (turn === undefined) return begin(name);
    const next = () => begin(name);
    turn.next ??= turn.now.then(next, next); // whoever asked for the first one gets its error
    return turn.next;
  };
}
