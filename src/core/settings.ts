import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import {
  Config,
  ConfigPatch,
  defaultConfig,
  ProviderConfig,
  type ProviderEntry,
  type ResolvedProvider,
} from '../contract/records.ts';
import type { Watched } from '../contract/rows/upkeep.ts';
import { writeCopy } from './copies.ts';
import { canonical } from './digest.ts';
import type { Accepted, Ledger } from './ledger-ports.ts';
import type { Logger, SecretVault, Store } from './ports.ts';
import {
  isKeyReference,
  keyReference,
  openProviderKeys,
  referredTo,
  type StoredKey,
  vaultName,
} from './provider-keys.ts';
import type { Models, ModelTarget } from './work.ts';

/**
 * The providers as the ledger keeps them: with the origin that each environment variable was accepted for, since a value
 * from there may go nowhere else, as a key of the vault may not.
 */
const AcceptedProviders = z.strictObject({
  ...ProviderConfig.shape,
  references: z
    .record(z.string(), z.object({ reference: z.string(), origin: z.string().nullable() }))
    .optional(),
});
type AcceptedProviders = z.infer<typeof AcceptedProviders>;
type References = NonNullable<AcceptedProviders['references']>;

type Patch = Partial<{ [K in keyof Config]: Config[K] | undefined }>;

/**
 * The configuration and the model providers in force: what a person last accepted, which stands in the ledger. The
 * files in the workspace are copies to read; changed by hand they have no effect.
 */
export interface Settings {
  config(): Config;
  /** What {@link Settings.setConfig} would put in force: a field that is left out keeps its value. */
  patched(patch: Patch): Config;
  setConfig(patch: Patch): Promise<Config>;
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
  logger: Logger;
}

/** A field that a record has itself: a name such as `toString` must not lead to what every object inherits. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
const originOf = (url: string | null) => (url === null ? null : new URL(url).origin);

export async function openSettings(ports: SettingsPorts): Promise<Settings> {
  const { store, ledger, vault, models, env, logger } = ports;
  // A field that the ledger's version did not know has its default.
  const patch = await accepted(ledger.config, ConfigPatch, 'config');
  let config = Config.parse({ ...defaultConfig, ...patch });
  const found = await accepted(ledger.provider, AcceptedProviders, 'provider');
  const { references: bound, ...first } = found ?? (await setUpProvider(ports));
  let providers: ProviderConfig = first;
  let references = bound ?? referencesOf(first, models);
  const keys = await openProviderKeys(vault, Object.keys(providers.providers), logger);

  const patched = (patch: Patch) => {
    const given = Object.entries(patch).filter(([, value]) => value !== undefined);
    return Config.parse({ ...config, ...Object.fromEntries(given) });
  };
  const resolve = (name: string): ResolvedProvider | null => {
    const entry = own(providers.providers, name);
    if (entry === undefined) return null;
    return { name, type: entry.type, origin: originOf(models.baseUrl(entry)), model: entry.model };
  };

  const keyOf = (resolved: ResolvedProvider, entry: ProviderEntry): string | null => {
    const refers = referredTo(entry.api_key);
    if (refers === null) return null;
    if (refers.kind === 'env') {
      const bound = own(references, resolved.name);
      const same = bound?.reference === entry.api_key && bound?.origin === resolved.origin;
      return same ? (own(env, refers.name) ?? null) : null;
    }
    const stored = keys.get(resolved.name);
    return stored !== undefined && stored.origin === resolved.origin ? stored.key : null;
  };

  return {
    config: () => config,
    patched,
    async setConfig(patch) {
      const next = patched(patch);
      await ledger.config.write(next);
      config = next;
      await writeCopy(store.config, 'config', next, logger);
      return next;
    },
    providers: () => shown(providers),
    kept: () => providers,
    prepareProviders(next) {
      const kept = checkProviders(next, { providers, references }, models);
      return async () => {
        const bound = referencesOf(kept, models);
        // A provider that is taken out takes its key along.
        const gone = Object.keys(providers.providers).filter((name) => !own(kept.providers, name));
        const undo = await keys.keep(
          new Map([...gone.map((name) => [name, undefined] as const), ...rawKeys(next, models)]),
        );
        try {
          await ledger.provider.write({ ...kept, references: bound });
        } catch (error) {
          await undo();
          throw error;
        }
        providers = kept;
        references = bound;
        await writeCopy(store.provider, 'provider', kept, logger);
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
      yield* keys.values();
      for (const entry of Object.values(providers.providers)) {
        const refers = referredTo(entry.api_key);
        const value = refers?.kind === 'env' ? own(env, refers.name) : undefined;
        if (value !== undefined) yield value;
      }
    },
  };
}

async function accepted<T>(source: Accepted, schema: z.ZodType<T>, what: Watched) {
  const found = await source.read();
  if (found === null) return null;
  const parsed = schema.safeParse(found);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.map((part) => String(part).slice(0, 64)).join('.') ?? '';
  throw new GimoError(
    'storage_error',
    `accepted/${what}.json in the ledger does not fit${at === '' ? '' : ` at "${at}"`}, so GIMO does not start with it. Mend that file, or delete it and accept ${what}.json of the workspace again.`,
  );
}

/** The first start: nothing was accepted yet. A file that was there before counts as changed, and is left alone. */
async function setUpProvider({ ledger, store, firstProvider }: SettingsPorts) {
  const first: AcceptedProviders = { ...firstProvider, references: {} };
  // The copy first: a start that is cut off in between has set nothing up, and the next one finds this one's copy.
  if ((await store.provider.look()).state === 'missing') await store.provider.write(firstProvider);
  await ledger.provider.write(first);
  return first;
}

const shown = (config: ProviderConfig): ProviderConfig => ({
  active: config.active,
  providers: Object.fromEntries(
    Object.entries(config.providers).map(([name, entry]) => [name, { ...entry, api_key: null }]),
  ),
});

/** The environment variables that providers refer to, each with the origin that it is accepted for. */
function referencesOf({ providers }: ProviderConfig, models: SettingsPorts['models']): References {
  return Object.fromEntries(
    Object.entries(providers).flatMap(([name, entry]) => {
      const { api_key: key } = entry;
      if (key === undefined || key === null || referredTo(key)?.kind !== 'env') return [];
      return [[name, { reference: key, origin: originOf(models.baseUrl(entry)) }]];
    }),
  );
}

/** The keys that stand in new providers themselves, each with the one origin that it may be sent to. */
function rawKeys({ providers }: ProviderConfig, models: SettingsPorts['models']) {
  const found = new Map<string, StoredKey>();
  for (const [name, entry] of Object.entries(providers)) {
    const { api_key: key } = entry;
    if (key === undefined || key === null || isKeyReference(key)) continue;
    found.set(name, { key, origin: originOf(models.baseUrl(entry)) ?? '' });
  }
  return found;
}

/** Checks new providers, and gives them as they are to be kept: references only, no raw key. */
function checkProviders(
  next: ProviderConfig,
  before: { providers: ProviderConfig; references: References },
  models: SettingsPorts['models'],
): ProviderConfig {
  if (own(next.providers, next.active) === undefined)
    throw problem(['active'], `There is no provider named "${next.active}" among the providers.`);
  const providers: Record<string, ProviderEntry> = {};
  for (const [name, entry] of Object.entries(next.providers)) {
    const at = ['providers', name];
    const origin = checkedOrigin(entry, at, models);
    const { api_key: given, ...rest } = entry;
    const kept = given ?? keptReference(name, origin, before);
    providers[name] = { ...rest, api_key: kept === null ? null : keptKey(name, kept, at) };
  }
  return { active: next.active, providers };
}

function checkedOrigin(entry: ProviderEntry, at: string[], models: SettingsPorts['models']) {
  try {
    return originOf(models.baseUrl(entry));
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    throw problem([...at, 'base_url'], error.message);
  }
}

/** The reference that an entry without one keeps: an environment variable's value stays where it was accepted for. */
function keptReference(
  name: string,
  origin: string | null,
  before: { providers: ProviderConfig; references: References },
): string | null {
  const kept = own(before.providers.providers, name)?.api_key ?? null;
  if (referredTo(kept)?.kind !== 'env') return kept;
  return own(before.references, name)?.origin === origin ? kept : null;
}

function keptKey(name: string, given: string, at: string[]): string {
  const refers = referredTo(given);
  if (refers === null) return keyReference(name);
  if (refers.kind === 'secret' && refers.name !== vaultName(name))
    throw problem([...at, 'api_key'], 'A provider may only refer to its own key.');
  if (refers.kind === 'env' && /^(ORCH|GIMO)_/i.test(refers.name))
    throw problem([...at, 'api_key'], "GIMO's own variables cannot be used as a provider key.");
  return given;
}

const problem = (loc: string[], msg: string) =>
  new GimoError('validation_error', msg, {
    issues: [{ type: 'value_error', loc: ['body', ...loc], msg }],
  });
