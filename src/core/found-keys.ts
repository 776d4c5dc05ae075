import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { type ProviderConfig, ProviderType } from '../contract/records.ts';
import { type Audit, systemAct } from './audit.ts';
import type { Logger, SecretVault, Store } from './ports.ts';
import { isKeyReference, keyReference, readSecret } from './provider-keys.ts';
import type { Models } from './work.ts';

/** A key that stood in the workspace's provider.json, with the one origin that it may be sent to. */
const FoundKey = z.object({
  name: z.string(),
  key: z.string(),
  origin: z.string().nullable(),
  /** Nobody has decided yet about the file that it stood in. */
  pending: z.boolean(),
});
type FoundKey = z.infer<typeof FoundKey>;

/** Where found keys are kept: apart from those in force, which a file must not be able to exchange. */
const vaultName = 'found.provider';
/** Found keys that are kept at most; with more, the oldest go. */
const mostKeys = 100;

/**
 * Keys that somebody wrote into provider.json in plain text. A key must not lie there, whether or not the file is ever
 * accepted: it is moved into the vault as soon as it is seen, and waits there.
 */
export interface FoundKeys {
  /** Moves raw keys out of the file. Call it under the lock of the providers. */
  sweep(): Promise<void>;
  /** The names of the providers whose keys wait for a decision. */
  waiting(): string[];
  /** A provider configuration with the keys that were found for it, where the address is the one they stood beside. */
  filled(config: ProviderConfig): ProviderConfig;
  /** Somebody has decided about the providers. */
  settle(): Promise<void>;
  /** Every found key: they are secrets to be kept out of everything. */
  secrets(): Iterable<string>;
}

export async function openFoundKeys(ports: {
  store: Pick<Store, 'provider'>;
  vault: SecretVault;
  models: Pick<Models, 'baseUrl'>;
  audit: Audit;
  logger: Logger;
}): Promise<FoundKeys> {
  const { store, vault, models, audit, logger } = ports;
  const text = await vault.get(vaultName);
  const kept = text === undefined ? [] : readSecret(text, z.array(FoundKey));
  if (kept === null)
    logger.log(
      'error',
      'The keys that once stood in provider.json cannot be read from the secret store, so they count as gone. Set them again.',
    );
  let keys = kept ?? [];

  const keep = async (next: FoundKey[]) => {
    await vault.set({ [vaultName]: JSON.stringify(next) });
    keys = next;
  };

  return {
    async sweep() {
      const found = await store.provider.look();
      if (found.state !== 'json') return;
      const taken: FoundKey[] = [];
      const clean = withoutKeys(found.value, [], (name, key, entry) => {
        taken.push({ name, key, origin: originOf(entry, models), pending: true });
      });
      if (taken.length === 0) return;
      const names = taken.map(({ name }) => name.slice(0, 64)).join(', ');
      await audit.around(systemAct('moveProviderKey', names, 'upkeep'), async () => {
        // Another key for the same provider takes no older one's place: it may be anybody's.
        const others = keys.filter((old) => !taken.some((one) => sameKey(one, old)));
        await keep([...others, ...taken].slice(-mostKeys));
        await store.provider.write(clean);
      });
      logger.log(
        'warn',
        'A key stood in provider.json in plain text. It was moved into the vault.',
        {
          provider: names,
        },
      );
    },
    waiting: () => [...new Set(keys.filter(({ pending }) => pending).map(({ name }) => name))],
    filled: (config) => ({
      ...config,
      providers: Object.fromEntries(
        Object.entries(config.providers).map(([name, entry]) => {
          const found = keys.findLast(
            (key) => key.name === name && key.origin === originOf(entry, models),
          );
          const refers = entry.api_key === keyReference(name);
          return [name, found !== undefined && refers ? { ...entry, api_key: found.key } : entry];
        }),
      ),
    }),
    async settle() {
      if (!keys.some(({ pending }) => pending)) return;
      const settled = keys.map((key) => ({ ...key, pending: false }));
      try {
        await keep(settled);
      } catch (error) {
        if (!GimoError.is(error)) throw error;
        // What was decided is in force: nobody may be told that it failed.
        keys = settled;
        logger.log(
          'warn',
          `The keys of provider.json wait again after a restart. ${error.message}`,
        );
      }
    },
    *secrets() {
      for (const { key } of keys) yield key;
    },
  };
}

const sameKey = (a: FoundKey, b: FoundKey) =>
  a.name === b.name && a.origin === b.origin && a.key === b.key;

const Address = z.looseObject({ type: ProviderType, base_url: z.string().optional() });

/** Where a key that stood in this entry may be sent; null if that cannot be told. */
function originOf(entry: unknown, models: Pick<Models, 'baseUrl'>): string | null {
  const address = Address.safeParse(entry).data;
  if (address === undefined) return null;
  try {
    const url = models.baseUrl(address);
    return url === null ? null : new URL(url).origin;
  } catch (error) {
    if (GimoError.is(error)) return null;
    throw error;
  }
}

/**
 * A JSON value with a reference in place of every raw `api_key`, however the rest of it looks.
 * @param take told of each key, the provider whose it is, and the object that it stood in
 */
function withoutKeys(
  value: unknown,
  path: readonly string[],
  take: (name: string, key: string, entry: unknown) => void,
): unknown {
  if (Array.isArray(value))
    return value.map((one: unknown, at) => withoutKeys(one, [...path, String(at)], take));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]: [string, unknown]) => {
      if (field !== 'api_key' || typeof inner !== 'string' || inner === '' || isKeyReference(inner))
        return [field, withoutKeys(inner, [...path, field], take)];
      const name = path.at(-1) ?? '';
      take(name, inner, value);
      return [field, path.length === 2 && path[0] === 'providers' ? keyReference(name) : null];
    }),
  );
}
