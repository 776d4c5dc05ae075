import { type Command, Option } from 'commander';
import { type RunRecord, runStatuses } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { integer } from '../input.ts';
import { age, listFooter, statusPart } from '../render.ts';
import { followRun } from './logs.ts';

interface ListOptions {
  status?: RunRecord['status'][];
  limit: number;
}

/** `gimo runs` and `run` */
export function addRuns(program: Command, run: Run): void {
  program
    .command('runs')
    .description('list runs, newest first')
    .addOption(new Option('--status <status...>', 'only runs in this state').choices(runStatuses))
    .option('--limit <n>', 'at most so many (1 to 1000)', integer(1, 1_000), 50)
    .addHelpText('after', example('runs --status running'))
    .action((options: ListOptions) => run((session) => list(session, options)));
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

async function list(session: Session, { status, limit }: ListOptions): Promise<number> {
  const { client } = await session.connect();
  const { body, page } = await client.answer('listRuns', {
    limit,
    view: session.json ? 'full' : 'summary',
    ...(status === undefined ? {} : { status }),
  });
  if (session.json) {
    session.out.json(body);
    return exitCodes.ok;
  }
  const now = session.deps.now();
  session.out.table(
    [
      { title: 'RUN', min: 16 },
      { title: 'STATUS', min: 9 },
      { title: 'AGE', min: 3 },
      { title: 'APPROVED', min: 16 },
      { title: 'ERROR', min: 8 },
    ],
    body.map((run) => [
      run.id,
      statusPart(run.status),
      age(run.created_at, now),
      run.approved_id,
      run.error ?? '',
    ]),
  );
  listFooter(session.err, body.length, page?.total);
  return exitCodes.ok;
}

async function start(session: Session, id: string, follow: boolean): Promise<number> {
  const connection = await session.connect();
  const run = await connection.client.call('createRun', { approved_id: id });
  if (follow) {
    session.err.line(`Run ${run.id} is ${run.status}.`);
    return followRun(session, connection, run.id);
  }
  if (session.json) session.out.json(run);
  else session.out.line(`Run ${run.id} is ${run.status}. Follow it with: gimo logs ${run.id} -f`);
  return exitCodes.ok;
}
