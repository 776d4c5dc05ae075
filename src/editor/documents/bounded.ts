export interface Bounds {
  /** How many entries are kept at most. */
  count: number;
  /** How large they may be in all, in bytes. */
  bytes: number;
}

/** The newest entries that fit, in their order. `entries` begins with the oldest; no entry is kept without those after it. */
export function newestThatFit<T>(
  entries: readonly T[],
  sizeOf: (entry: T) => number,
  { count, bytes }: Bounds,
): T[] {
  let left = bytes;
  let first = entries.length;
  while (first > 0 && entries.length - first < count) {
    const entry = entries[first - 1];
    if (entry === undefined) break;
    left -= sizeOf(entry);
    if (left < 0) break;
    first--;
  }
  return entries.slice(first);
}
