import type { Command } from 'commander';
import type { Run, Session } from '../deps.ts';
import { example } from '../help.ts';
import { tellNew } from './draft.ts';

/** `gimo redraft` */
export function addRedraft(program: Command, run: Run): void {
  program
    .command('redraft')
    .description('propose again what was approved: a new draft with the same content')
    .argument('<approved-id>', 'id of the approved artifact')
    .addHelpText(
      'after',
      example(
        'redraft a_1795403040663_eded5f',
        'For what may not run any more: its approval was spent on a run, has expired, or never had a seal.',
      ),
    )
    .action((id: string) => run((session) => redraft(session, id)));
}

async function redraft(session: Session, id: string): Promise<number> {
  const { client } = await session.connect();
  return tellNew(session, await client.call('redraft', { approved_id: id }));
}
