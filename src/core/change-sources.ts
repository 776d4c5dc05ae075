import type { ZodError, z } from 'zod';
import { type GimoError, validationError } from '../contract/errors.ts';
import {
  Config,
  ConfigPatch,
  defaultConfig,
  ProviderConfig,
  type ProviderEntry,
} from '../contract/records.ts';
import type { Watched } from '../contract/rows/upkeep.ts';
import { readAllowlist } from './allowlist.ts';
import { canonical } from './digest.ts';
import type { Change } from './events.ts';
import type { FoundKeys } from './found-keys.ts';
import type { Ledger } from './ledger-ports.ts';
import { policyDiffers } from './policy.ts';
import type { Store, WatchedDocument } from './ports.ts';
import { referredTo } from './provider-keys.ts';
import type { Settings } from './settings.ts';

/** One of the files that have an effect only when they were accepted. */
export interface ChangeSource {
  readonly what: Watched;
  readonly document: WatchedDocument;
  /** What is in force, as it may be shown; null if nothing was accepted and nothing stands in for it. */
  accepted(): Promise<unknown>;
  /** Whether somebody has accepted something, so that the file is missed when it is gone. */
  wasAccepted(): Promise<boolean>;
  /** Whether the file says what is in force. */
  same(value: unknown): Promise<boolean>;
  /**
   * Checks what the file says.
   * @returns what puts it in force
   * @throws GimoError `validation_error` that says what is wrong
   */
  prepare(value: unknown): () => Promise<unknown>;
  /** Writes back what is in force. */
  restore(): Promise<void>;
  /** What a person should know beside what the file says. */
  notes(value: unknown): string[];
  /** Whether it decides who may approve what, so that only the editor of a hosted server may accept it. */
  needsEditor(value: unknown): boolean;
  /** What else has changed once it is accepted. */
  readonly changes: readonly Change[];
}

export interface SourcePorts {
  store: Pick<Store, 'config' | 'provider' | 'allowlist'>;
  ledger: Pick<Ledger, 'config' | 'provider' | 'allowlist'>;
  settings: Settings;
  keys: FoundKeys;
}

export function changeSources(ports: SourcePorts): readonly ChangeSource[] {
  return [configSource(ports), providerSource(ports), allowlistSource(ports)];
}

function configSource({ store, ledger, settings }: SourcePorts): ChangeSource {
  /** What a file says: a field that it leaves out has its default. */
  const read = (value: unknown): Config =>
    Config.parse({ ...defaultConfig, ...must(ConfigPatch.safeParse(value), 'config.json') });
  return {
    what: 'config',
    document: store.config,
    accepted: async () => settings.config(),
    wasAccepted: async () => (await ledger.config.read()) !== null,
    same: async (value) => {
      const found = ConfigPatch.safeParse(value);
      return found.success && canonical(read(value)) === canonical(settings.config());
    },
    prepare(value) {
      const next = read(value);
      return () => settings.setConfig(next);
    },
    restore: () => store.config.write(settings.config()),
    notes: () => [],
    needsEditor: (value) => policyDiffers(settings.config(), read(value)),
    changes: [{ type: 'config', id: null }],
  };
}

function providerSource({ store, settings, keys }: SourcePorts): ChangeSource {
  const read = (value: unknown) => must(ProviderConfig.safeParse(value), 'provider.json');
  return {
    what: 'provider',
    document: store.provider,
    accepted: async () => settings.providers(),
    wasAccepted: async () => true,
    same: async (value) => {
      const found = ProviderConfig.safeParse(value).data;
      if (found === undefined || canonical(whole(found)) !== canonical(whole(settings.kept())))
        return false;
      // The same but for a key, which waits for a decision.
      return !keys.waiting().some((name) => Object.hasOwn(found.providers, name));
    },
    prepare(value) {
      const accept = settings.prepareProviders(keys.filled(read(value)));
      return async () => {
        await accept();
        await keys.settle();
      };
    },
    async restore() {
      await store.provider.write(settings.kept());
      await keys.settle();
    },
    notes: (value) => providerNotes(value, keys),
    needsEditor: () => false,
    changes: [{ type: 'provider', id: null }],
  };
}

/** Entries with every field that may be left out. */
const whole = ({ active, providers }: ProviderConfig) => ({
  active,
  providers: Object.fromEntries(
    Object.entries(providers).map(([name, entry]) => [
      name,
      { ...entry, api_key: entry.api_key ?? null },
    ]),
  ),
});

/** Where the keys come from: they do not show, and a person who decides has to know. */
function providerNotes(value: unknown, keys: FoundKeys): string[] {
  const found = ProviderConfig.safeParse(value).data;
  const entries: [string, ProviderEntry][] = Object.entries(found?.providers ?? {});
  const filled = found === undefined ? {} : keys.filled(found).providers;
  const moved = keys
    .waiting()
    .map((name) =>
      found === undefined || filled[name]?.api_key !== found.providers[name]?.api_key
        ? `A key of the provider "${name}" stood in the file. It was moved into the secret store, and is used only if you accept.`
        : `A key of the provider "${name}" stood in the file beside another address. It was moved into the secret store, and is not used.`,
    );
  const referring = entries.flatMap(([name, { api_key }]) => {
    const from = referredTo(api_key);
    return from?.kind === 'env'
      ? `The provider "${name}" takes its key from the environment variable ${from.name}.`
      : [];
  });
  return [...moved, ...referring];
}

/** Seconds that an entry holds where nothing is said; whether it can be read does not depend on it. */
const anyTime = 0;

function allowlistSource({ store, ledger }: SourcePorts): ChangeSource {
  const accepted = () => ledger.allowlist.read();
  return {
    what: 'allowlist',
    document: store.allowlist,
    accepted,
    wasAccepted: async () => (await accepted()) !== null,
    same: async (value) => canonical(value) === canonical(await accepted()),
    prepare(value) {
      if (readAllowlist(value, anyTime) === null)
        throw unfit('allowlist.json is not {"paths": [{"path", "expires_at"}]}.');
      return () => ledger.allowlist.write(value);
    },
    restore: async () => store.allowlist.write((await accepted()) ?? { paths: [] }),
    notes: () => [],
    needsEditor: () => false,
    changes: [],
  };
}

function must<T>(found: z.ZodSafeParseResult<T>, file: string): T {
  if (found.success) return found.data;
  throw unfit(`${file} does not fit. ${inWords(found.error)}`);
}

/** What is wrong, in words: the fields, and what they should be; never what stands there. */
export function inWords(error: ZodError): string {
  const told = error.issues.slice(0, 5).map((issue) => {
    const at = issue.path.map((part) => String(part).slice(0, 64)).join('.');
    return at === '' ? issue.message.slice(0, 300) : `${at}: ${issue.message.slice(0, 300)}`;
  });
  return `${told.join('; ')}.`;
}

/** The error for a file that cannot be put in force. */
export const unfit = (msg: string): GimoError => validationError(['path', 'what'], msg);
