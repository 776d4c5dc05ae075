/** Lends things to those who ask, in the order in which they ask. */
export function createPool<T extends object>(all: readonly T[]) {
  const free = [...all];
  const waiting: ((one: T) => void)[] = [];
  return {
    /** Resolves once the work with one of them is done. */
    async lend<R>(work: (one: T) => Promise<R>): Promise<R> {
      const one = free.shift() ?? (await new Promise<T>((resolve) => waiting.push(resolve)));
      try {
        return await work(one);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(one);
        else next(one);
      }
    },
  };
}
