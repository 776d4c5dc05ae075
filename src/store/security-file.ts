import { z } from 'zod';
import { LockLevel, SecurityEvent } from '../contract/rows/security.ts';
import type { Ledger, SecurityFile } from '../core/ledger-ports.ts';
import { writeAtomic } from './atomic.ts';
import { type Fence, parseJson, readText } from './files.ts';
import { sameMac } from './keys.ts';
import { createQueue } from './queue.ts';

const State = z.object({ level: LockLevel, events: z.array(SecurityEvent) });
const Signed = z.object({ state: z.string(), hmac: z.string() });

/**
 * Keeps the security state in the ledger, signed, so that whatever was not written by us does not open anything: a file
 * that is torn, edited, or gone reads as null.
 */
export function createSecurityFile(
  path: string,
  ledger: Pick<Ledger, 'mac'>,
  fence: Fence,
): SecurityFile {
  const queue = createQueue();
  const hmacOf = (state: string) => ledger.mac('audit', `gimo-security-v1\n${state}`);
  return {
    async read() {
      const text = await readText(path, 2 ** 20);
      const signed = Signed.safeParse(parseJson(text ?? '')).data;
      if (signed === undefined || !sameMac(signed.hmac, hmacOf(signed.state))) return null;
      return State.safeParse(parseJson(signed.state)).data ?? null;
    },
    write(next) {
      const state = JSON.stringify(next);
      const text = `${JSON.stringify({ state, hmac: hmacOf(state) }, null, 2)}\n`;
      return queue(() => writeAtomic(path, text, { fence }));
    },
  };
}
