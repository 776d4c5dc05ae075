import { type Command, Option } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import { ProviderEntry, ProviderName, providerTypes } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { fitting } from '../input.ts';
import { tellProviders } from './provider.ts';
import { readKey, takesKey } from './provider-key.ts';

interface Options {
  type: ProviderEntry['type'];
  model?: string;
  baseUrl?: string;
  /** False with `--no-key`. */
  key: boolean;
  keyEnv?: string;
  use?: boolean;
}

/** `gimo provider add` */
export function addProviderAdd(provider: Command, run: Run): void {
  provider
    .command('add')
    .description('set up a provider, or set one up anew')
    .argument('<name>', 'what it will be called')
    .addOption(
      new Option('--type <type>', 'how it is spoken to')
        .choices(providerTypes)
        .makeOptionMandatory(),
    )
    .option(
      '--model <model>',
      'the model to ask, as the provider calls it; left out, it keeps the one that it has',
    )
    .option('--base-url <url>', 'where it is; needed for openai_compat')
    .option('--no-key', 'ask for no key: it needs none, or keeps the one that it has')
    .option('--key-env <name>', 'take the key from this environment variable of the server')
    .option('--use', 'make it the active one')
    .addHelpText(
      'after',
      example(
        'provider add openai --type openai_compat --base-url https://api.openai.com/v1 --model gpt-5-mini < key.txt',
        'The key is read from the standard input, or asked for on a terminal without showing it; it is never an argument, which others could see. The server keeps it for that one address.',
      ),
    )
    .action((name: string, options: Options) => run((session) => add(session, name, options)));
}

async function add(session: Session, name: string, options: Options): Promise<number> {
  fitting(name, ProviderName, 'the name of a provider');
  const { client } = await session.connect();
  const seen = await client.answer('getProvider', {});
  const { active, providers } = seen.body;
  const before = Object.hasOwn(providers, name) ? providers[name] : undefined;
  const entry = fitting(entryOf(name, options, before), ProviderEntry, 'a provider');
  const key = await keyOf(session, options);
  const next = {
    active: options.use === true ? name : active,
    providers: { ...providers, [name]: { ...entry, api_key: key } },
  };
  tellProviders(session, await client.call('setProvider', next, unchangedSince(seen)));
  if (!session.json) session.out.line(keyTold(name, options, { before, entry, key }));
  return exitCodes.ok;
}

/** Throws `CliError` `usage` where a model has to be named. */
function entryOf(
  name: string,
  { type, baseUrl, ...options }: Options,
  before: ProviderEntry | undefined,
): ProviderEntry {
  const model = options.model ?? (before?.type === type ? before.model : '');
  /* Of the others it is known what an empty one means. */
  if (model === '' && takesKey(type))
    throw new CliError(
      'usage',
      `"${name}" needs the name of a model. Give it with --model, as the provider calls it; nothing was changed.`,
    );
  return { type, model, ...(baseUrl === undefined ? {} : { base_url: baseUrl }) };
}

/** @returns null: none is needed, or the one that is there stays */
async function keyOf(session: Session, { type, key, keyEnv }: Options): Promise<string | null> {
  if (keyEnv !== undefined) return `\${env:${keyEnv}}`;
  if (!key || !takesKey(type)) return null;
  return readKey(session, 'Key (not shown; Enter for none):');
}

/** What became of the key. Whether there was one before, the server tells nobody. */
function keyTold(
  name: string,
  { keyEnv }: Options,
  now: { before: ProviderEntry | undefined; entry: ProviderEntry; key: string | null },
): string {
  const { before, entry, key } = now;
  const set = `gimo provider key ${name}`;
  if (!takesKey(entry.type)) return `"${name}" needs no key.`;
  if (keyEnv !== undefined) return `The key of "${name}" is what ${keyEnv} of the server holds.`;
  if (key !== null) return `The key of "${name}" was set.`;
  if (before === undefined) return `"${name}" has no key. If it needs one: ${set}`;
  if (before.type === entry.type && before.base_url === entry.base_url)
    return `No key was given: "${name}" keeps the one that it has, if any. To set one: ${set}`;
  return `No key was given, and one that "${name}" had is not sent to another address. Set it anew: ${set}; or, where none is needed: gimo provider remove ${name}, then add it again.`;
}
