import { join } from 'node:path';
import { sha256 } from '../core/hash.ts';
import type { SecretVault } from '../core/ports.ts';
import { removeFile, writeAtomic } from './atomic.ts';
import { ensureDir, readText } from './files.ts';
import { ledgerFolders } from './layout.ts';

/*
 * Injective, and safe on every file system: upper case is escaped since some fold it, everything else that could mean
 * something to a file system is escaped too, and the ends are ours (no leading dot, no reserved device name).
 */
function fileOf(name: string): string {
  const escaped = Array.from(Buffer.from(name, 'utf8'), (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9._-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
  if (escaped.length <= 200) return `s_${escaped}.secret`;
  return `h_${sha256(name)}.secret`;
}

/** Keeps secrets as 0600 files in `secrets/` of the ledger, for a server without an editor. */
export function fileVault(ledgerDir: string): SecretVault {
  const dir = ledgerFolders(ledgerDir).secrets;
  const path = (name: string) => join(dir, fileOf(name));
  return {
    async get(name) {
      return (await readText(path(name))) ?? undefined;
    },
    async set(secrets) {
      await ensureDir(dir);
      for (const [name, value] of Object.entries(secrets)) await writeAtomic(path(name), value);
    },
    async delete(name) {
      await removeFile(path(name));
    },
  };
}
