import type { Command } from 'commander';
import { unchangedSince } from '../../client/unchanged.ts';
import type { Run, Session } from '../deps.ts';
import { CliError } from '../failures.ts';
import { example } from '../help.ts';
import { tellProviders } from './provider.ts';
import { entryOf } from './provider-key.ts';

/** `gimo provider remove` */
export function addProviderRemove(provider: Command, run: Run): void {
  provider
    .command('remove')
    .description('take a provider out, with its key')
    .argument('<name>', 'its name')
    .addHelpText(
      'after',
      example(
        'provider remove openai',
        'The active one cannot be removed: make another one active first.',
      ),
    )
    .action((name: string) => run((session) => remove(session, name)));
}

async function remove(session: Session, name: string): Promise<number> {
  const { client } = await session.connect();
  const seen = await client.answer('getProvider', {});
  const { active, providers } = seen.body;
  entryOf(seen.body, name);
  if (name === active)
    throw new CliError(
      'refused',
      `"${name}" is the active provider, so it was not removed. Make another one active first: gimo provider use OTHER`,
    );
  const others = Object.entries(providers).filter(([other]) => other !== name);
  const next = { active, providers: Object.fromEntries(others) };
  return tellProviders(session, await client.call('setProvider', next, unchangedSince(seen)));
}
