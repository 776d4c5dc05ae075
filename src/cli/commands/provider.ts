import type { Command } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import type { ProviderConfig } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { CliError, exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { nextForProvider } from '../provider-next.ts';
import { tell } from '../tell.ts';
import { addProviderAdd } from './provider-add.ts';
import { addProviderKey, entryOf } from './provider-key.ts';
import { addProviderRemove } from './provider-remove.ts';

/** `gimo provider` and what is below it */
export function addProvider(program: Command, run: Run): void {
  const provider = program
    .command('provider')
    .description('list the model providers; the active one is asked')
    .addHelpText('after', example('provider'))
    .action(() => run(list));
  provider
    .command('check')
    .description('reach for the active provider, and tell whether it answers')
    .argument('[name]', 'its name; only the active one can be reached for')
    .addHelpText('after', example('provider check', 'It ends with 0 only if the provider answers.'))
    .action((name: string | undefined) => run((session) => check(session, name)));
  provider
    .command('use')
    .description('make a provider the active one')
    .argument('<name>', 'its name')
    .addHelpText(
      'after',
      example(
        'provider use offline',
        'Drafts that wait get another digest: whoever approves has to look again.',
      ),
    )
    .action((name: string) => run((session) => use(session, name)));
  addProviderAdd(provider, run);
  addProviderKey(provider, run);
  addProviderRemove(provider, run);
}

async function list(session: Session): Promise<number> {
  const { client } = await session.connect();
  return tellProviders(session, await client.call('getProvider', {}));
}

async function check(session: Session, name?: string): Promise<number> {
  const { client } = await session.connect();
  const config = await client.call('getProvider', {});
  if (name !== undefined) requireActive(config, name);
  const { ok, latency_ms, detail } = await client.call('checkProvider', {});
  const next = ok ? null : nextForProvider(detail, config.active);
  tell(session, { ok, latency_ms, detail }, () => {
    session.out.field('answers', ok ? 'yes' : 'no', ok ? 'green' : 'red');
    session.out.field('after', `${latency_ms} ms`);
    session.out.field('detail', detail);
    if (next !== null) session.out.field('next', next);
  });
  return ok ? exitCodes.ok : exitCodes.refused;
}

/** The server reaches for the active one, whatever is named here. */
function requireActive(config: ProviderConfig, name: string): void {
  entryOf(config, name);
  if (name === config.active) return;
  throw new CliError(
    'refused',
    `Only the active provider can be checked, and that is "${config.active}". Make this one active first: gimo provider use ${name}`,
  );
}

async function use(session: Session, name: string): Promise<number> {
  const { client } = await session.connect();
  const seen = await client.answer('getProvider', {});
  const config = seen.body;
  entryOf(config, name);
  const next = { ...config, active: name };
  return tellProviders(session, await client.call('setProvider', next, unchangedSince(seen)));
}

/** Shows the providers. None of their keys is ever told. */
export function tellProviders(session: Session, config: ProviderConfig): number {
  return tell(session, config, ({ active, providers }) =>
    session.out.table(
      [
        { title: '', min: 1 },
        { title: 'NAME', min: 8 },
        { title: 'TYPE', min: 8 },
        { title: 'MODEL', min: 8 },
        { title: 'ADDRESS', min: 8 },
      ],
      Object.entries(providers).map(([name, { type, model, base_url }]) => [
        { text: name === active ? '*' : '', colour: 'green' },
        ...[name, type, model, base_url ?? "the type's own"],
      ]),
    ),
  );
}
