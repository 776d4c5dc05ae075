import { createHash } from 'node:crypto';
import type { SecretStorage } from 'vscode';
import type { SecretVault } from '../core/ports.ts';

/**
 * Keeps the secrets of one data directory in the editor's SecretStorage. Where that fails (no keyring, a locked one),
 * they are kept in memory until the window closes, never in a file.
 *
 * @param dataDir the real path of the data directory; each has its own secrets
 * @param failed called once, with what SecretStorage threw first
 */
export function createVault(
  secrets: SecretStorage,
  dataDir: string,
  failed: (error: unknown) => void,
): SecretVault {
  const prefix = createHash('sha256').update(dataDir).digest('hex');
  const keyOf = (name: string) => `${prefix}/${name}`;
  const memory = new Map<string, string>();
  let broken = false;

  const tryStorage = async <T>(job: () => Thenable<T>, otherwise: T): Promise<T> => {
    if (broken) return otherwise;
    try {
      return await job();
    } catch (error) {
      broken = true;
      failed(error);
      return otherwise;
    }
  };

  return {
    async get(name) {
      return memory.get(name) ?? (await tryStorage(() => secrets.get(keyOf(name)), undefined));
    },
    async set(name, value) {
      await tryStorage(() => secrets.store(keyOf(name), value), undefined);
      if (broken) memory.set(name, value);
    },
    async delete(name) {
      memory.delete(name);
      await tryStorage(() => secrets.delete(keyOf(name)), undefined);
    },
  };
}
