import { setTimeout as delay } from 'node:timers/promises';
import { GimoError } from '../contract/errors.ts';
import { type Claim, type ClaimOptions, claimDataDir } from './claim.ts';

/** How one waits for a holder to let go. */
export interface Waiting {
  /** Milliseconds between two looks at whether the holder has let go. */
  every?: number | undefined;
  /** Ends the waiting: it then rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Claims a data directory, and waits for a holder that is about to let go: after a reload of a window, the server of
 * the window before may still be stopping.
 *
 * @param patience milliseconds to wait at the most; 0 looks once, Infinity waits as long as it takes
 * @throws GimoError as {@link claimDataDir} does, `not_writer` once the patience is at its end
 */
export async function claimWithin(
  patience: number,
  options: ClaimOptions,
  { every = 200, signal }: Waiting = {},
): Promise<Claim> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await claimDataDir(options);
    } catch (error) {
      if (!GimoError.is(error, 'not_writer') || performance.now() + every > end) throw error;
    }
    await delay(every, undefined, { signal });
  }
}
