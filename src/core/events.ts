import type { ChangeEvent, ChangeType } from '../contract/events.ts';

/** A change, before it has a number. */
export interface Change {
  type: ChangeType;
  id: string | null;
}

export interface Events {
  publish(change: Change): void;
  /** @returns a function that ends the subscription */
  subscribe(listener: (event: ChangeEvent) => void): () => void;
  /**
   * The changes after number `rev`, oldest first.
   * @returns null if they are no longer all known, or `rev` was never given out
   */
  since(rev: number): ChangeEvent[] | null;
}

/** How many changes are kept for whoever was away for a moment. */
const kept = 1_000;

/**
 * Makes the bus on which core tells what changed.
 * @param failed told of a listener that threw; the others are called all the same
 */
export function createEvents(failed: (error: unknown) => void): Events {
  const listeners = new Set<(event: ChangeEvent) => void>();
  const recent: ChangeEvent[] = [];
  let rev = 0;
  return {
    publish(change) {
      rev += 1;
      const event = { ...change, rev };
      recent.push(event);
      if (recent.length > kept) recent.shift();
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          failed(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    since(from) {
      const oldest = rev - recent.length;
      return from >= oldest && from <= rev ? recent.slice(from - oldest) : null;
    },
  };
}
