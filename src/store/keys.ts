import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { KeyPurpose } from '../core/ledger-ports.ts';
import { hasCode } from '../core/system-error.ts';
import { withTemp, writeNew } from './atomic.ts';
import { parseJson, readText, storageError, syncDir } from './files.ts';
import { stampAt } from './record-file.ts';

const KeyFile = z.object({
  key_id: z.string().regex(/^[0-9a-f]{16}$/),
  key: z.string().regex(/^[0-9a-f]{64}$/),
});
export type KeyFile = z.infer<typeof KeyFile>;

const keyPath = (dir: string) => join(dir, 'key.json');

/**
 * Reads a ledger's key. Creates nothing.
 * @returns null if there is none yet
 * @throws GimoError `storage_error` if there is one that cannot be read: another must not silently take its place
 */
export async function readKey(dir: string): Promise<KeyFile | null> {
  const path = keyPath(dir);
  let text = await readText(path);
  if (text === null && stampAt(path) === null) return null;
  // It may have been made between the two looks.
  text ??= await readText(path);
  const key = KeyFile.safeParse(parseJson(text ?? '')).data;
  if (key !== undefined) return key;
  throw new GimoError(
    'storage_error',
    `The key of the ledger cannot be read: ${keyPath(dir)}. Restore that file, or move it away: then approvals must be given again.`,
  );
}

/** Reads a ledger's key, or makes one. Of two that make one at once, both get the first one's. */
export async function ensureKey(dir: string): Promise<KeyFile> {
  const found = await readKey(dir);
  if (found !== null) return found;
  const made: KeyFile = {
    key_id: randomBytes(8).toString('hex'),
    key: randomBytes(32).toString('hex'),
  };
  const text = `${JSON.stringify(made)}\n`;
  try {
    await withTemp(keyPath(dir), async (temp) => {
      await writeNew(temp, text);
      // A link comes into being whole and only if the name is free; so nobody ever reads half a key.
      await linkOrCreate(temp, keyPath(dir), text);
      await syncDir(dir);
    });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw storageError(error, 'the key of the ledger');
  }
  const kept = await readKey(dir);
  if (kept !== null) return kept;
  throw new GimoError('storage_error', 'The key of the ledger vanished. Try again.');
}

async function linkOrCreate(temp: string, path: string, text: string): Promise<void> {
  try {
    await link(temp, path);
  } catch (error) {
    // File systems without links (exFAT, some network shares).
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR')) throw error;
    await writeNew(path, text);
  }
}

/**
 * Makes the HMAC of a ledger. HKDF-SHA-256 (RFC 5869) gives each purpose a key of its own, so that what was signed for
 * one is worth nothing for another.
 */
export function macOf(key: KeyFile): (purpose: KeyPurpose, data: string) => string {
  const root = Buffer.from(key.key, 'hex');
  const derive = (purpose: KeyPurpose) =>
    Buffer.from(hkdfSync('sha256', root, 'gimo-ledger-v1', purpose, 32));
  const keys = {
    seal: derive('seal'),
    audit: derive('audit'),
    proof: derive('proof'),
    attach: derive('attach'),
  } satisfies Record<KeyPurpose, Buffer>;
  return (purpose, data) => createHmac('sha256', keys[purpose]).update(data).digest('hex');
}

/** Whether two HMACs are the same, in a time that does not tell how much of them is. */
export function sameMac(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
