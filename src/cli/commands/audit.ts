import type { Command } from 'commander';
import type { Out } from '../../contract/operations.ts';
import { AuditEntry } from '../../contract/rows/security.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';
import { integer } from '../input.ts';
import type { Part } from '../output.ts';
import { tell } from '../tell.ts';

type Verified = Out['verifyAudit'];

/** `gimo audit` and `audit verify` */
export function addAudit(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .description('show the last entries of the audit, the newest last')
    .option('--limit <n>', 'at most so many (1 to 500)', integer(1, 500), 20)
    .addHelpText('after', example('audit --limit 50'))
    .action((options: { limit: number }) => run((session) => show(session, options.limit)));
  audit
    .command('verify')
    .description('check the whole audit: whole, modified, truncated or unwitnessed')
    .addHelpText('after', example('audit verify', 'It ends with 0 only if the audit is whole.'))
    .action(() => run(verify));
}

async function show(session: Session, limit: number): Promise<number> {
  const { client } = await session.connect();
  const { lines } = await client.call('getUiAudit', { limit: Math.max(limit, 10) });
  const entries = lines.slice(-limit).map(entryIn);
  return tell(session, entries, (found) =>
    session.out.table(
      [
        { title: 'N', min: 1 },
        { title: 'WHEN', min: 20 },
        { title: 'ACTOR', min: 10 },
        { title: 'OPERATION', min: 10 },
        { title: 'OUTCOME', min: 6 },
        { title: 'TARGET', min: 8 },
      ],
      found.map(rowOf),
    ),
  );
}

/** An entry of the audit; a line that is none, as somebody left it, stays a text. */
function entryIn(line: string): AuditEntry | string {
  try {
    return AuditEntry.safeParse(JSON.parse(line)).data ?? line;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}

function rowOf(entry: AuditEntry | string): Part[] {
  if (typeof entry === 'string') return ['?', { text: 'no entry', colour: 'red' }, entry];
  const { seq, ts, actor, operation, outcome, target } = entry;
  const well = outcome === 'intent' || outcome === 'done';
  return [
    ...[String(seq), ts.replace(/\.\d+Z$/, 'Z'), actor, operation],
    { text: outcome, colour: well ? 'dim' : 'red' },
    target ?? '',
  ];
}

async function verify(session: Session): Promise<number> {
  const { client } = await session.connect();
  const found = await client.call('verifyAudit', {});
  tell(session, found, () => showVerdict(session, found));
  return found.verdict === 'whole' ? exitCodes.ok : exitCodes.refused;
}

function showVerdict({ out }: Session, { verdict, at }: Verified): void {
  out.field('audit', verdict, verdict === 'whole' ? 'green' : 'red');
  const where = at === null ? '' : ` ${at}`;
  const says: Record<Verified['verdict'], string> = {
    whole: 'Every entry is as it was written, and none is missing.',
    modified: `Entry${where} is not as it was written, or stands where another one stood. Keep the files, and find out who can write there.`,
    truncated: `What came after entry${where} is gone. Keep the files, and find out who can write there.`,
    unwitnessed: `Entries after${where} fit, but the ledger does not witness them: a crash at the last moment leaves this, and so does somebody who has the key.`,
  };
  out.field('', says[verdict]);
}
