import { type Command, Option } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import { ProviderEntry, ProviderName, providerTypes } from '../../contract/records.ts';
import { askSecret } from '../ask.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { fitting, readAll } from '../input.ts';
import { tellProviders } from './provider.ts';

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
    .option('--model <model>', 'the model to ask, as the provider calls it')
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
  const { type, model = '', baseUrl } = options;
  const entry = { type, model, ...(baseUrl === undefined ? {} : { base_url: baseUrl }) };
  fitting(entry, ProviderEntry, 'a provider');
  const { client } = await session.connect();
  const key = await keyOf(session, options);
  const seen = await client.answer('getProvider', {});
  const { active, providers } = seen.body;
  const next = {
    active: options.use === true ? name : active,
    providers: { ...providers, [name]: { ...entry, api_key: key } },
  };
  const answer = await client.call('setProvider', next, unchangedSince(seen));
  return tellProviders(session, answer);
}

/** @returns null: none is needed, or the one that is there stays */
async function keyOf(session: Session, { type, key, keyEnv }: Options): Promise<string | null> {
  if (keyEnv !== undefined) return `\${env:${keyEnv}}`;
  if (!key || type === 'offline' || type === 'editor') return null;
  const { stdin } = session.deps;
  const found =
    stdin.isTTY === true
      ? await askSecret(session, {
          text: 'Key (not shown; Enter for none):',
          otherwise: 'Nothing was changed.',
        })
      : await readAll(stdin);
  const text = (found ?? '').trim();
  /* A key goes into a header, which takes no other characters. */
  if (/[^\x21-\x7e]/.test(text))
    throw new CliError('usage', 'The key holds a character that no key has. Copy it again.');
  return text === '' ? null : text;
}
