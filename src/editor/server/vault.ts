import { createHash } from 'node:crypto';
import type { SecretStorage } from 'vscode';
import type { SecretVault } from '../../core/ports.ts';

/**
 * Keeps secrets in the editor's SecretStorage. Where that fails (no keyring, a locked one), they are kept in memory until
 * the window closes, never in a file.
 *
 * @param failed called once, with what SecretStorage threw first
 * @returns the vault of a data directory, by the real path of that; each has its own secrets
 */
export function createVaults(
  secrets: SecretStorage,
  failed: (error: unknown) => void,
): (dataDir: string) => SecretVault {
  const memory = new Map<string, string>();
  let broken = false;

  const tryStorage = async <T>(job: () => Thenable<T>, otherwise: T): Promise<T> => {
    if (broken) return otherwise;
    try {
      return await job();
    } catch (error) {
      if (!broken) failed(error);
      broken = true;
      return otherwise;
    }
  };

  return (dataDir) => {
    const prefix = createHash('sha256').update(dataDir).digest('hex');
    const keyOf = (name: string) => `${prefix}/${name}`;
    return {
      async get(name) {
        const key = keyOf(name);
        return memory.get(key) ?? (await tryStorage(() => secrets.get(key), undefined));
      },
      async set(name, value) {
        const key = keyOf(name);
        await tryStorage(() => secrets.store(key, value), undefined);
        if (broken) memory.set(key, value);
      },
      async delete(name) {
        const key = keyOf(name);
        memory.delete(key);
        await tryStorage(() => secrets.delete(key), undefined);
      },
    };
  };
}
