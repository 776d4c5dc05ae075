import { type Command, Option } from 'commander';
import type { Client } from '../client/client.ts';
import type { Answer } from '../contract/operation.ts';
import type { Run, Session } from './deps.ts';
import { exitCodes } from './failures.ts';
import { example } from './help.ts';
import { integer } from './input.ts';
import type { Column, Output, Part } from './output.ts';

/** Columns of the longest id. An id that is cut is of no use, so everything else is cut before it. */
export const idWidth = 32;

/** What a list is asked with. */
export interface Asked<S extends string> {
  limit: number;
  view: 'full' | 'summary';
  status?: S[];
}

/** A command that lists records, newest first. */
export interface List<S extends string, R> {
  name: string;
  /** What is listed, in words. */
  what: string;
  /** The states to choose from; none where the list cannot be narrowed. */
  statuses: readonly S[];
  example: string;
  ask(client: Client, asked: Asked<S>): Promise<Answer<readonly R[]>>;
  columns: readonly Column[];
  /** @param now milliseconds since 1970 */
  row(record: R, now: number): readonly Part[];
}

/** Adds a command that lists records. */
export function addList<S extends string, R>(program: Command, run: Run, list: List<S, R>): void {
  const command = program.command(list.name).description(`list ${list.what}, newest first`);
  if (list.statuses.length > 0)
    command.addOption(
      new Option('--status <status...>', 'only those in this state').choices(list.statuses),
    );
  command
    .option('--limit <n>', 'at most so many (1 to 1000)', integer(1, 1_000), 50)
    .addHelpText('after', example(list.example))
    .action((options: { status?: S[]; limit: number }) =>
      run((session) => show(session, list, options)),
    );
}

async function show<S extends string, R>(
  session: Session,
  list: List<S, R>,
  { status, limit }: { status?: S[]; limit: number },
): Promise<number> {
  const { client } = await session.connect();
  const { body, page } = await list.ask(client, {
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
    list.columns,
    body.map((record) => list.row(record, now)),
  );
  if (page !== undefined) footer(session.err, body.length, page);
  return exitCodes.ok;
}

/** Says how much of a list was not shown; nothing if all of it was. */
function footer(
  out: Output,
  shown: number,
  { total, next }: { total: number | null; next: string | null },
): void {
  const more = total === null ? next !== null : total > shown;
  if (more)
    out.line({ text: `${shown} of ${total ?? 'more'}; --limit shows more.`, colour: 'dim' });
}
