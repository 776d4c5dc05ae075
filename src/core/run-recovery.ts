import type { LogEntry, RunRecord } from '../contract/records.ts';
import { type Audit, systemAct } from './audit.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import { every } from './lists.ts';
import type { LiveRuns } from './live-runs.ts';
import type { Logger, Store } from './ports.ts';
import { beginsWith, changedOutside } from './run-log.ts';
import { type Ending, isTerminal } from './run-steps.ts';
import { strangeError, writeRunFile } from './run-view.ts';
import type { Worker } from './work.ts';

export interface RecoveryPorts {
  store: Pick<Store, 'runs' | 'runLogs'>;
  ledger: Pick<Ledger, 'runs'>;
  audit: Audit;
  clock: Clock;
  logger: Logger;
  takeUp: LiveRuns['takeUp'];
  isLive(runId: string): boolean;
  end(runId: string, ending: Ending): Promise<void>;
  /** Settles a step that was under way and cannot be repeated. @returns what became of it, in words */
  settle: Worker['settle'];
}

/**
 * After a start: takes up what the ledger knows, completes run files, and ends runs that it does not know. What cannot
 * be recovered of one run is told to the log, and keeps neither the others nor the server from starting.
 */
export async function recoverRuns(ports: RecoveryPorts): Promise<void> {
  const { store, ledger, logger } = ports;
  const attempt = async (runId: string, job: () => Promise<void>) => {
    try {
      await job();
    } catch (error) {
      logger.log('error', `${runId} could not be recovered: ${String(error)}`);
    }
  };
  for (const entry of await ledger.runs.all())
    await attempt(entry.id, () =>
      isTerminal(entry.status) ? completeFile(entry, ports) : goOn(entry, ports),
    );
  for await (const run of every(store.runs, ['pending', 'running', 'paused']))
    if (!ports.isLive(run.id)) await attempt(run.id, () => endStrange(run, ports));
}

/** The file of a run that is over tells what the ledger tells; its log is folded in. */
async function completeFile({ id, status }: RunEntry, { store, ledger }: RecoveryPorts) {
  const [file, entry] = [await store.runs.get(id), await ledger.runs.get(id)];
  if (entry !== null && file?.status !== status) {
    const isWhole = file !== null && isTerminal(file.status);
    const log = isWhole ? file.log : await store.runLogs.read(id);
    await writeRunFile(store, entry, log);
  }
  await store.runLogs.remove(id);
}

async function goOn(entry: RunEntry, ports: RecoveryPorts) {
  const { store, takeUp, end, settle } = ports;
  const begun = entry.steps.find((step) => step.status === 'running');
  const unclear = begun !== undefined && begun.kind !== 'prompt' && entry.status !== 'paused';
  // Said at once: if its end cannot be written, it must not begin all the same.
  takeUp(entry, await linesOf(entry, ports), !unclear && !entry.cancel_requested);
  if ((await store.runs.get(entry.id)) === null) await writeRunFile(store, entry, []);
  const became = unclear ? await settle(entry.id, begun, entry.trace) : '';
  if (entry.cancel_requested) await end(entry.id, { status: 'cancelled' });
  else if (unclear)
    await end(entry.id, {
      status: 'error',
      error: `The server stopped while step "${begun.id}" was running. ${became}`,
    });
}

/**
 * The lines so far of a run. Those since its last change nobody has witnessed; those before have to be what they were. A
 * log that cannot be read is told, and keeps nobody from going on with its run.
 */
async function linesOf({ id, log: mark }: RunEntry, { store, clock, logger }: RecoveryPorts) {
  let lines: LogEntry[] = [];
  try {
    lines = await store.runLogs.read(id);
  } catch (error) {
    logger.log('warn', `the log file of ${id} could not be read: ${String(error)}`);
  }
  if (mark === undefined || beginsWith(lines, mark)) return lines;
  return [changedOutside(timestamp(clock)), ...lines];
}

/** Runs that no ledger entry stands behind (from elsewhere, or forged) never execute: they are ended, in words. */
async function endStrange(run: RunRecord, { store, ledger, audit, clock }: RecoveryPorts) {
  // One that the ledger knows is not strange, it could only not be recovered.
  if ((await ledger.runs.glance(run.id)) !== null) return;
  const error = strangeError(run);
  const now = timestamp(clock);
  const line = { ts: now, level: 'ERROR', msg: error };
  const ended = { ...run, status: 'error' as const, error, finished_at: now };
  await audit.around(systemAct('endUnknownRun', run.id), () =>
    store.runs.put({ ...ended, log: [...run.log, line] }),
  );
}
