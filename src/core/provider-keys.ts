import { z } from 'zod';
import type { Logger, SecretVault } from './ports.ts';

/** A provider's key, with the one origin that it may be sent to. */
const StoredKey = z.object({ key: z.string(), origin: z.string() });
export type StoredKey = z.infer<typeof StoredKey>;

const reference = /^\$\{(?:(env|secret):)?([A-Za-z_][A-Za-z0-9_.-]*)\}$/;

/** The name under which a provider's key lies in the vault. */
export const vaultName = (provider: string): string => `provider.${provider}`;

/** Whether what stands in `api_key` refers to a key, and is none itself. */
export const isKeyReference = (text: string): boolean => reference.test(text);

/** What stands in `api_key` of a provider whose key is in the vault. */
export const keyReference = (provider: string): string => `\${secret:${vaultName(provider)}}`;

/** What a reference refers to: an environment variable or an entry of the vault; null if it is no reference. */
export function referredTo(apiKey: string | null | undefined) {
  const found = reference.exec(apiKey ?? '');
  if (found === null) return null;
  return { kind: found[1] === 'secret' ? 'secret' : 'env', name: found[2] ?? '' } as const;
}

/** The keys of the providers that were set, in memory and in the vault. */
export interface ProviderKeys {
  get(provider: string): StoredKey | undefined;
  /**
   * Keeps keys; one that is undefined is deleted.
   * @returns what puts back those that were there before
   */
  keep(keys: ReadonlyMap<string, StoredKey | undefined>): Promise<() => Promise<void>>;
  values(): Iterable<string>;
}

/** @param providers whose keys are looked for; an entry of the vault that cannot be read counts as none */
export async function openProviderKeys(
  vault: SecretVault,
  providers: Iterable<string>,
  logger: Logger,
): Promise<ProviderKeys> {
  const known = new Map<string, StoredKey>();
  const set = async (provider: string, key: StoredKey | undefined) => {
    if (key === undefined) await vault.delete(vaultName(provider));
    else await vault.set({ [vaultName(provider)]: JSON.stringify(key) });
    if (key === undefined) known.delete(provider);
    else known.set(provider, key);
  };
  const found = await Promise.all(
    [...providers].map(async (name) => [name, await vault.get(vaultName(name))] as const),
  );
  for (const [provider, text] of found) {
    if (text === undefined) continue;
    const key = readSecret(text, StoredKey);
    if (key !== null) known.set(provider, key);
    else
      logger.log(
        'error',
        `The key of the provider "${provider}" cannot be read from the secret store, so it counts as not set. Set it again.`,
      );
  }
  return {
    get: (provider) => known.get(provider),
    async keep(keys) {
      const before = [...keys.keys()].map((provider) => [provider, known.get(provider)] as const);
      for (const [provider, key] of keys) await set(provider, key);
      return async () => {
        for (const [provider, key] of before) await set(provider, key);
      };
    },
    *values() {
      for (const { key } of known.values()) yield key;
    },
  };
}

/** Reads what lies in the vault; null if it is spoilt. An error would quote it, and it may be a key. */
export function readSecret<T>(text: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
