import type { Command } from 'commander';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';

/** `gimo reject` */
export function addReject(program: Command, run: Run): void {
  program
    .command('reject')
    .description('say no to a draft, for good')
    .argument('<id>', 'id of the draft')
    .option('--reason <text>', 'why')
    .addHelpText('after', example('reject d_1795403040476_dfbc34 --reason "Too broad"'))
    .action((id: string, options: { reason?: string }) =>
      run((session) => reject(session, id, options.reason)),
    );
}

async function reject(session: Session, id: string, reason: string | undefined): Promise<number> {
  const { client } = await session.connect();
  const draft = await client.call('rejectDraft', {
    draft_id: id,
    ...(reason === undefined ? {} : { reason }),
  });
  if (session.json) session.out.json(draft);
  else session.out.line(`${draft.id} is rejected.`);
  return exitCodes.ok;
}
