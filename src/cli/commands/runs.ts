import type { Command } from 'commander';
import { GimoError } from '../../contract/errors.ts';
import { runStatuses } from '../../contract/records.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { addList, idWidth } from '../list.ts';
import { age, statusPart } from '../render.ts';
import { followRun } from './logs.ts';

/** `gimo runs` and `run` */
export function addRuns(program: Command, run: Run): void {
  addList(program, run, {
    name: 'runs',
    what: 'runs',
    statuses: runStatuses,
    example: 'runs --status running paused',
    ask: (client, asked) => client.answer('listRuns', asked),
    columns: [
      { title: 'RUN', min: idWidth },
      { title: 'STATUS', min: 9 },
      { title: 'AGE', min: 3 },
      { title: 'APPROVED', min: 16 },
      { title: 'ERROR', min: 8 },
    ],
    row: ({ id, status, created_at, approved_id, error }, now) => [
      ...[id, statusPart(status), age(created_at, now), approved_id, error ?? ''],
    ],
  });
  program
    .command('run')
    .description('run what was approved')
    .argument('<approved-id>', 'id of the approved artifact')
    .option('-f, --follow', 'follow its log to the end; then 0 means that it is done')
    .addHelpText('after', example('run a_1795403040663_eded5f -f'))
    .action((id: string, options: { follow?: boolean }) =>
      run((session) => start(session, id, options.follow === true)),
    );
}

async function create({ json }: Session, { client }: Connection, id: string) {
  try {
    return await client.call('createRun', { approved_id: id });
  } catch (error) {
    if (json || !GimoError.is(error, 'draft_id_not_runnable')) throw error;
    const { approved_id } = await client.call('getDraft', { draft_id: id });
    const next =
      approved_id === null
        ? `Approve it first: gimo approve ${id}`
        : `It was approved as ${approved_id}; run that: gimo run ${approved_id}`;
    throw new GimoError('draft_id_not_runnable', `${id} is a draft. ${next}`, { cause: error });
  }
}

async function start(session: Session, id: string, follow: boolean): Promise<number> {
  const connection = await session.connect();
  const run = await create(session, connection, id);
  if (follow) {
    session.err.line(`Run ${run.id} is ${run.status}.`);
    return followRun(session, connection, run.id);
  }
  if (session.json) session.out.json(run);
  else session.out.line(`Run ${run.id} is ${run.status}. Follow it with: gimo logs ${run.id} -f`);
  return exitCodes.ok;
}
