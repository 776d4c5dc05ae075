/** What has been begun and has to be ended, in reverse order. */
export interface Lifetime {
  /** Adds what ends the thing that was begun last. */
  add(end: () => Promise<void>): void;
  /** Ends everything, also when something fails to end; then throws the first failure. A second call waits for the first. */
  end(): Promise<void>;
}

export function createLifetime(): Lifetime {
  const ends: (() => Promise<void>)[] = [];
  let ending: Promise<void> | undefined;
  const unwind = async () => {
    const failures: unknown[] = [];
    for (let end = ends.pop(); end !== undefined; end = ends.pop())
      await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  return {
    add: (end) => ends.push(end),
    end: () => {
      ending ??= unwind();
      return ending;
    },
  };
}
