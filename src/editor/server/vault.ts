import { createHash } from 'node:crypto';
import type { SecretStorage } from 'vscode';
import type { SecretVault } from '../../core/ports.ts';

/**
 * Keeps secrets in the editor's SecretStorage. Where that fails (no keyring, a locked one), they are kept in memory until
 * the window closes, never in a file.
 *
 * All secrets of a data directory are one of the editor's, so that what is set together is written once: in a browser VS
 * Code resolves before it has saved, and of two saves that follow each other closely the first one may be what stays.
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
    const key = createHash('sha256').update(dataDir).digest('hex');
    const read = async () =>
      readEntries(memory.get(key) ?? (await tryStorage(() => secrets.get(key), undefined)));

    let last: Promise<void> = Promise.resolve();
    const change = (edit: (kept: Map<string, string>) => void) => {
      last = last.then(async () => {
        const kept = await read();
        edit(kept);
        const text = JSON.stringify([...kept]);
        await tryStorage(
          () => (kept.size === 0 ? secrets.delete(key) : secrets.store(key, text)),
          undefined,
        );
        if (broken) memory.set(key, text);
      });
      return last;
    };

    return {
      get: async (name) => (await read()).get(name),
      set: (changed) =>
        change((kept) => {
          for (const [name, value] of Object.entries(changed)) kept.set(name, value);
        }),
      delete: (name) => change((kept) => kept.delete(name)),
    };
  };
}

/** Reads what {@link createVaults} wrote; nothing else was, so that what is spoilt is as good as lost. */
function readEntries(text: string | undefined): Map<string, string> {
  const entries: unknown = text === undefined ? [] : parsed(text);
  if (!Array.isArray(entries)) return new Map();
  return new Map(entries.filter(isEntry));
}

const isEntry = (one: unknown): one is [string, string] =>
  Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'string';

/** An error would quote a secret. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
