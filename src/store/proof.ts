import type { KeyPurpose } from '../core/ledger-ports.ts';
import { macOf, readKey } from './keys.ts';

/**
 * The HMAC of a ledger, for clients that demand proof of a server or prove themselves. Claims and creates nothing.
 * @returns null if the ledger has no key yet
 */
export async function readLedgerMac(
  ledgerDir: string,
): Promise<((purpose: KeyPurpose, data: string) => string) | null> {
  const key = await readKey(ledgerDir);
  return key === null ? null : macOf(key);
}
