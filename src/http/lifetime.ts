import { GimoError } from '../contract/errors.ts';
import { within } from '../core/patience.ts';

/** What has been begun and has to be ended, in reverse order. */
export interface Lifetime {
  /** Adds what ends the thing that was begun last. */
  add(end: () => Promise<void>): void;
  /**
   * Ends everything, also when something fails to end; then throws the first failure. A second call waits for the first.
   * @throws GimoError `storage_error` when a disk does not answer: the rest ends when it does, in its order, so that the
   *   claim is held as long as a write may still come
   */
  end(): Promise<void>;
}

/** How long an end may take in all, in milliseconds: more than any does on a disk that answers. */
const patience = 10_000;

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
      ending ??= endWithin(unwind());
      return ending;
    },
  };
}

async function endWithin(unwound: Promise<void>): Promise<void> {
  if (await within(patience, unwound)) return;
  unwound.catch(() => undefined); // whoever asked was told that it goes on
  throw new GimoError(
    'storage_error',
    'The server answers nobody any more, but the disk has not answered to what it was writing. Check the disk.',
  );
}
