import { setTimeout as wait } from 'node:timers/promises';
import { GimoError } from '../contract/errors.ts';

/** Remembers that it was rung, however often, until somebody has waited for it. */
export interface Bell {
  ring(): void;
  rung(): Promise<void>;
}

export function createBell(): Bell {
  let rang = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rang = true;
      wake?.();
    },
    async rung() {
      if (!rang)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      rang = false;
    },
  };
}

/** Asks once, and again when the server says that it was asked too often and when to come back. */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;)
    try {
      return await ask();
    } catch (error) {
      if (!GimoError.is(error, 'rate_limited')) throw error;
      await wait((error.retryAfter ?? 1) * 1_000, undefined, { signal });
    }
}
