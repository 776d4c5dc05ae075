import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import {
  Config,
  defaultConfig,
  ProviderConfig,
  type ProviderEntry,
  type ResolvedProvider,
} from '../contract/records.ts';
import { canonical } from './digest.ts';
import type { Accepted, Ledger, Models, ModelTarget, SecretVault, Store } from './ports.ts';

/** A provider's key, with the one origin that it may be sent to. */
const StoredKey = z.object({ key: z.string(), origin: z.string() });
type StoredKey = z.infer<typeof StoredKey>;

/**
 * The configuration and the model providers in force: what a person last accepted, which stands in the ledger. The
 * files in the workspace are copies to read; changed by hand they have no effect.
 */
export interface Settings {
  config(): Config;
  setConfig(patch: Partial<{ [K in keyof Config]: Config[K] | undefined }>): Promise<Config>;
  /** The providers as they may be shown: every `api_key` is null. */
  providers(): ProviderConfig;
  /** The providers as they are kept: with references, never with keys. */
  kept(): ProviderConfig;
  /**
   * Checks new providers.
   * @returns what takes them: raw keys go into the vault before anything is written
   * @throws GimoError `validation_error`
   */
  prepareProviders(next: ProviderConfig): () => Promise<ProviderConfig>;
  /** The active provider, as a digest names it. */
  active(): ResolvedProvider;
  /** The provider with this name as it is now, or null. */
  resolve(name: string): ResolvedProvider | null;
  /**
   * A resolved provider with its key, ready to be asked.
   * @throws GimoError `provider_error` if it is no longer configured like that, or its key is missing
   */
  target(resolved: ResolvedProvider): Promise<ModelTarget>;
  /** Every provider key that the process knows. */
  knownSecrets(): Iterable<string>;
}

export interface SettingsPorts {
  store: Pick<Store, 'config' | 'provider'>;
  ledger: Pick<Ledger, 'config' | 'provider'>;
  vault: SecretVault;
  models: Pick<Models, 'baseUrl'>;
  /** Environment variables that a reference may name. */
  env: Readonly<Record<string, string | undefined>>;
  /** What is set up when nobody has chosen yet. */
  firstProvider: ProviderConfig;
}

const reference = /^\$\{(?:(env|secret):)?([A-Za-z_][A-Za-z0-9_.-]*)\}$/;
const vaultName = (provider: string) => `provider.${provider}`;
/** Whether what stands in `api_key` refers to a key, and is none itself. */
export const isKeyReference = (text: string): boolean => reference.test(text);
/** What stands in `api_key` of a provider whose key is in the vault. */
export const keyReference = (provider: string): string => `\${secret:${vaultName(provider)}}`;
/** A field that a record has itself: a name such as `toString` must not lead to what every object inherits. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
const originOf = (url: string | null) => (url === null ? null : new URL(url).origin);

export async function openSettings(ports: SettingsPorts): Promise<Settings> {
  const { store, ledger, vault, models, env } = ports;
  let config = { ...defaultConfig, ...(await accepted(ledger.config, Config)) };
  let providers = (await accepted(ledger.provider, ProviderConfig)) ?? (await setUpProvider(ports));
  const keys = new Map<string, StoredKey>();
  for (const name of Object.keys(providers.providers)) await loadKey(name);

  async function loadKey(name: string) {
    const text = await vault.get(vaultName(name));
    if (text !== undefined) keys.set(name, StoredKey.parse(JSON.parse(text)));
  }

  const resolve = (name: string): ResolvedProvider | null => {
    const entry = own(providers.providers, name);
    if (entry === undefined) return null;
    return { name, type: entry.type, origin: originOf(models.baseUrl(entry)), model: entry.model };
  };

  const keyOf = (resolved: ResolvedProvider, entry: ProviderEntry): string | null => {
    const found = reference.exec(entry.api_key ?? '');
    if (found === null) return null;
    const [, kind, name] = found;
    if (kind !== 'secret') return own(env, name ?? '') ?? null;
    const stored = keys.get(resolved.name);
    return stored !== undefined && stored.origin === resolved.origin ? stored.key : null;
  };

  return {
    config: () => config,
    async setConfig(patch) {
      const given = Object.entries(patch).filter(([, value]) => value !== undefined);
      const next = Config.parse({ ...config, ...Object.fromEntries(given) });
      await ledger.config.write(next);
      config = next;
      await store.config.write(next);
      return next;
    },
    providers: () => shown(providers),
    kept: () => providers,
    prepareProviders(next) {
      const kept = checkProviders(next, providers, models);
      return async () => {
        for (const [name, entry] of Object.entries(next.providers)) {
          const raw = entry.api_key;
          if (raw === undefined || raw === null || reference.test(raw)) continue;
          const stored = { key: raw, origin: originOf(models.baseUrl(entry)) ?? '' };
          await vault.set(vaultName(name), JSON.stringify(stored));
          keys.set(name, stored);
        }
        await ledger.provider.write(kept);
        providers = kept;
        await store.provider.write(kept);
        return shown(kept);
      };
    },
    active() {
      const found = resolve(providers.active);
      if (found === null) throw new Error(`no such provider: ${providers.active}`);
      return found;
    },
    resolve,
    async target(resolved) {
      const entry = own(providers.providers, resolved.name);
      const now = resolve(resolved.name);
      if (entry === undefined || now === null || canonical(now) !== canonical(resolved))
        throw new GimoError(
          'provider_error',
          `The provider "${resolved.name}" is no longer set up the way it was approved. Approve again to use the new one.`,
        );
      const key = keyOf(resolved, entry);
      if (key === null && entry.api_key !== undefined && entry.api_key !== null)
        throw new GimoError(
          'provider_error',
          `The key of the provider "${resolved.name}" is not there, or belongs to another address. Set the key again.`,
        );
      return { ...resolved, base_url: models.baseUrl(entry), api_key: key };
    },
    *knownSecrets() {
      for (const { key } of keys.values()) yield key;
      for (const entry of Object.values(providers.providers)) {
        const found = reference.exec(entry.api_key ?? '');
        const value =
          found !== null && found[1] !== 'secret' ? own(env, found[2] ?? '') : undefined;
        if (value !== undefined) yield value;
      }
    },
  };
}

async function accepted<T extends z.ZodType>(source: Accepted, schema: T) {
  const found = await source.read();
  return found === null ? null : schema.parse(found);
}

/** The first start: nothing was accepted yet. A file that was there before counts as changed, and is left alone. */
async function setUpProvider({ ledger, store, firstProvider }: SettingsPorts) {
  await ledger.provider.write(firstProvider);
  if ((await store.provider.look()).state === 'missing') await store.provider.write(firstProvider);
  return firstProvider;
}

const shown = (config: ProviderConfig): ProviderConfig => ({
  active: config.active,
  providers: Object.fromEntries(
    Object.entries(config.providers).map(([name, entry]) => [name, { ...entry, api_key: null }]),
  ),
});

/** Checks new providers, and gives them as they are to be kept: references only, no raw key. */
function checkProviders(
  next: ProviderConfig,
  before: ProviderConfig,
  models: SettingsPorts['models'],
): ProviderConfig {
  if (own(next.providers, next.active) === undefined)
    throw problem(['active'], `There is no provider named "${next.active}" among the providers.`);
  const providers: Record<string, ProviderEntry> = {};
  for (const [name, entry] of Object.entries(next.providers)) {
    const at = ['providers', name];
    try {
      models.baseUrl(entry);
    } catch (error) {
      if (!GimoError.is(error)) throw error;
      throw problem([...at, 'base_url'], error.message);
    }
    const { api_key: given, ...rest } = entry;
    const kept = given ?? own(before.providers, name)?.api_key ?? null;
    providers[name] = { ...rest, api_key: kept === null ? null : keptKey(name, kept, at) };
  }
  return { active: next.active, providers };
}

function keptKey(name: string, given: string, at: string[]): string {
  const found = reference.exec(given);
  if (found === null) return keyReference(name);
  const [, kind, variable = ''] = found;
  if (kind === 'secret' && variable !== vaultName(name))
    throw problem([...at, 'api_key'], 'A provider may only refer to its own key.');
  if (kind !== 'secret' && /^(ORCH|GIMO)_/i.test(variable))
    throw problem([...at, 'api_key'], "GIMO's own variables cannot be used as a provider key.");
  return given;
}

const problem = (loc: string[], msg: string) =>
  new GimoError('validation_error', msg, {
    issues: [{ type: 'value_error', loc: ['body', ...loc], msg }],
  });
