import type { Command } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import type { ProviderConfig, ProviderEntry } from '../../contract/records.ts';
import { askSecret } from '../ask.ts';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { readAll } from '../input.ts';
import { tell } from '../tell.ts';

/** `gimo provider key` */
export function addProviderKey(provider: Command, run: Run): void {
  provider
    .command('key')
    .description('set the key of a provider; all else of it stays')
    .argument('<name>', 'its name')
    .addHelpText(
      'after',
      example(
        'provider key openai < key.txt',
        'The key is read from the standard input, or asked for on a terminal without showing it; it is never an argument, which others could see.',
      ),
    )
    .action((name: string) => run((session) => setKey(session, name)));
}

/** Whether providers of this type are asked with a key. */
export const takesKey = (type: ProviderEntry['type']) => type !== 'offline' && type !== 'editor';

async function setKey(session: Session, name: string): Promise<number> {
  const { client } = await session.connect();
  const seen = await client.answer('getProvider', {});
  const entry = entryOf(seen.body, name);
  if (!takesKey(entry.type))
    throw new CliError(
      'refused',
      `"${name}" is of the type ${entry.type}, which needs no key; nothing was changed.`,
    );
  const key = await readKey(session, 'Key (not shown):');
  if (key === null) throw new CliError('usage', 'No key was given, so nothing was changed.');
  const providers = { ...seen.body.providers, [name]: { ...entry, api_key: key } };
  const next = { active: seen.body.active, providers };
  const answer = await client.call('setProvider', next, unchangedSince(seen));
  tell(session, answer, () =>
    session.out.line(`The key of "${name}" was set. Try it: gimo provider check ${name}`),
  );
  return exitCodes.ok;
}

/** The provider with this name. Throws `CliError` `refused` if there is none. */
export function entryOf({ providers }: ProviderConfig, name: string): ProviderEntry {
  const entry = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (entry !== undefined) return entry;
  throw new CliError(
    'refused',
    `There is no provider named "${name}"; nothing was changed. Look with: gimo provider`,
  );
}

/**
 * Asks for a key on a terminal, else reads it from the standard input.
 *
 * @returns null if none was given
 * @throws CliError `usage` for what no header can hold
 */
export async function readKey(session: Session, text: string): Promise<string | null> {
  const { stdin } = session.deps;
  const found =
    stdin.isTTY === true
      ? await askSecret(session, { text, otherwise: 'Nothing was changed.' })
      : await readAll(stdin);
  const key = (found ?? '').trim();
  /* A key goes into a header, which takes no other characters. */
  if (/[^\x21-\x7e]/.test(key))
    throw new CliError('usage', 'The key holds a character that no key has. Copy it again.');
  return key === '' ? null : key;
}
