import type { RunRecord } from '../contract/records.ts';
import type { Audit } from './audit.ts';
import type { Ledger, Logger, RunEntry, Store } from './ports.ts';
import { systemActor } from './principals.ts';
import { type Ending, isTerminal } from './run-steps.ts';
import { strangeError, writeRunFile } from './run-view.ts';
import type { Worker } from './work.ts';

export interface RecoveryPorts {
  store: Pick<Store, 'runs' | 'runLogs'>;
  ledger: Pick<Ledger, 'runs'>;
  audit: Audit;
  logger: Logger;
  now: () => string;
  /** Takes up a run that is not over. @param mayBegin false: nobody is to work on it */
  takeUp(entry: RunEntry, mayBegin: boolean): Promise<void>;
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
  const status = ['pending', 'running', 'paused'];
  let before: string | undefined;
  do {
    const from = before === undefined ? {} : { before };
    const page = await store.runs.list({ limit: 1000, status, ...from });
    for (const run of page.records)
      if (!ports.isLive(run.id)) await attempt(run.id, () => endStrange(run, ports));
    before = page.next ?? undefined;
  } while (before !== undefined);
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

async function goOn(entry: RunEntry, { store, takeUp, end, settle }: RecoveryPorts) {
  const begun = entry.steps.find((step) => step.status === 'running');
  const unclear = begun !== undefined && begun.kind !== 'prompt' && entry.status !== 'paused';
  // Said at once: if its end cannot be written, it must not begin all the same.
  await takeUp(entry, !unclear && !entry.cancel_requested);
  if ((await store.runs.get(entry.id)) === null) await writeRunFile(store, entry, []);
  const became = unclear ? await settle(entry.id, begun, entry.trace) : '';
  if (entry.cancel_requested) await end(entry.id, { status: 'cancelled' });
  else if (unclear)
    await end(entry.id, {
      status: 'error',
      error: `The server stopped while step "${begun.id}" was running. ${became}`,
    });
}

/** Runs that no ledger entry stands behind (from elsewhere, or forged) never execute: they are ended, in words. */
async function endStrange(run: RunRecord, { store, ledger, audit, now }: RecoveryPorts) {
  // One that the ledger knows is not strange, it could only not be recovered.
  if ((await ledger.runs.glance(run.id)) !== null) return;
  const error = strangeError(run);
  const line = { ts: now(), level: 'ERROR', msg: error };
  const ended = { ...run, status: 'error' as const, error, finished_at: now() };
  await audit.around(systemAct('endUnknownRun', run.id), () =>
    store.runs.put({ ...ended, log: [...run.log, line] }),
  );
}

/** What GIMO itself does to a run, for the audit. */
export function systemAct(operation: string, target: string) {
  return { correlationId: 'recovery', actor: systemActor, operation, target, request: null };
}
