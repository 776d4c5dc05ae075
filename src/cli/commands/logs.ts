import type { Command } from 'commander';
import type { LogEntry, RunRecord } from '../../contract/records.ts';
import { isWaitingGate } from '../../contract/steps.ts';
import { visibleLine } from '../../contract/visible.ts';
import type { Connection } from '../connect.ts';
import type { Run, Session } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { follow } from '../follow.ts';
import { example } from '../help.ts';
import { untilInterrupt } from '../interrupt.ts';
import type { Colour } from '../output.ts';
import { statusPart } from '../render.ts';

/** `gimo logs` */
export function addLogs(program: Command, run: Run): void {
  program
    .command('logs')
    .description('show the log of a run')
    .argument('<run-id>', 'id of the run')
    .option('-f, --follow', 'follow it to the end; then 0 means that the run is done')
    .addHelpText(
      'after',
      example(
        'logs r_1795403041827_bd91d9 -f',
        'With -f and --json each entry is one line, and the run itself is the last. Ctrl-C stops the following, not the run.',
      ),
    )
    .action((id: string, options: { follow?: boolean }) =>
      run((session) => logs(session, id, options.follow === true)),
    );
}

async function logs(session: Session, id: string, following: boolean): Promise<number> {
  const connection = await session.connect();
  if (following) return followRun(session, connection, id);
  const found = await connection.client.call('getRunLog', { run_id: id });
  if (session.json) {
    session.out.json(found);
    return exitCodes.ok;
  }
  for (const entry of found.entries) showEntry(session, entry);
  if (!found.done) tellPaused(session, await connection.client.call('getRun', { run_id: id }));
  return exitCodes.ok;
}

/** Follows a run to its end. @returns 0 only if the run is done, 130 if Ctrl-C stopped the following */
export async function followRun(
  session: Session,
  connection: Connection,
  id: string,
): Promise<number> {
  const told = {
    entry: (entry: LogEntry) => showEntry(session, entry),
    paused: (run: RunRecord) => tellPaused(session, run),
  };
  const run = await untilInterrupt(session, (signal) => follow(connection, id, told, signal));
  return run === null ? tellLeft(session, id) : tellEnd(session, run);
}

function tellLeft(session: Session, id: string): number {
  session.err.line(`No longer following ${id}; it goes on. Stop it with: gimo cancel ${id}`);
  return exitCodes.interrupted;
}

/** If a run is paused: says so, and how it goes on. Beside the log, so that a script reads only that. */
function tellPaused({ err }: Session, { id, status, steps }: RunRecord): void {
  if (status !== 'paused') return;
  const gate = steps.find(isWaitingGate);
  const where = gate === undefined ? '' : ` at the gate "${visibleLine(gate.title ?? gate.id)}"`;
  err.line(
    `Run ${visibleLine(id)} is `,
    statusPart('paused'),
    `${where}. Let it go on with: gimo resume ${visibleLine(id)}; stop it with: gimo cancel ${visibleLine(id)}`,
  );
}

function tellEnd(session: Session, run: RunRecord): number {
  if (session.json) session.out.json(run, 0);
  else {
    const why = run.error === null ? '' : `: ${run.error}`;
    session.out.line(`Run ${visibleLine(run.id)} is `, statusPart(run.status), why);
  }
  return run.status === 'done' ? exitCodes.ok : exitCodes.refused;
}

const colours: Readonly<Record<string, Colour>> = {
  error: 'red',
  warn: 'yellow',
  warning: 'yellow',
};

function showEntry({ out, json }: Session, entry: LogEntry): void {
  if (json) {
    out.json(entry, 0);
    return;
  }
  const time = visibleLine(/T(\d\d:\d\d:\d\d)/.exec(entry.ts)?.[1] ?? entry.ts);
  const level = visibleLine(entry.level).padEnd(6);
  const colour = colours[entry.level.toLowerCase()] ?? 'cyan';
  /* Further lines are set in, so that they cannot pass for entries of their own. */
  const text = entry.msg.replaceAll('\n', `\n${' '.repeat(time.length + 1)}│ `);
  out.line({ text: `${time} `, colour: 'dim' }, { text: `${level} `, colour }, text);
}
