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
}

/**
 * Makes the bus on which core tells what changed.
 * @param failed told of a listener that threw; the others are called all the same
 */
export function createEvents(failed: (error: unknown) => void): Events {
  const listeners = new Set<(event: ChangeEvent) => void>();
  let rev = 0;
  return {
    publish(change) {
      rev += 1;
      for (const listener of listeners) {
        try {
          listener({ ...change, rev });
        } catch (error) {
          failed(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
