/** Lets one at a time in, by key. */
export interface Locks {
  /** Runs `work` when all earlier work under the same key has ended; without a key at once. */
  run<T>(key: string | undefined, work: () => Promise<T>): Promise<T>;
}

export function createLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(key, work) {
      if (key === undefined) return work();
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(work, work);
      tails.set(key, mine);
      try {
        return await mine;
      } finally {
        if (tails.get(key) === mine) tails.delete(key);
      }
    },
  };
}
