import { type Command, Option } from 'commander';
import { type DraftRecord, draftStatuses } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { integer } from '../input.ts';
import { age, listFooter, statusPart } from '../render.ts';

interface Options {
  status?: DraftRecord['status'][];
  limit: number;
}

/** `gimo drafts` */
export function addDrafts(program: Command, run: Run): void {
  program
    .command('drafts')
    .description('list drafts, newest first')
    .addOption(
      new Option('--status <status...>', 'only drafts in this state').choices(draftStatuses),
    )
    .option('--limit <n>', 'at most so many (1 to 1000)', integer(1, 1_000), 50)
    .addHelpText('after', example('drafts --status draft --limit 10'))
    .action((options: Options) => run((session) => drafts(session, options)));
}

async function drafts(session: Session, { status, limit }: Options): Promise<number> {
  const { client } = await session.connect();
  const { body, page } = await client.answer('listDrafts', {
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
      { title: 'DRAFT', min: 16 },
      { title: 'STATUS', min: 8 },
      { title: 'AGE', min: 3 },
      { title: 'FROM', min: 4 },
      { title: 'PROMPT', min: 8 },
    ],
    body.map((draft) => [
      draft.id,
      statusPart(draft.status),
      age(draft.created_at, now),
      draft.source ?? '?',
      draft.prompt,
    ]),
  );
  listFooter(session.err, body.length, page?.total);
  return exitCodes.ok;
}
