import { GimoError } from '../contract/errors.ts';
import type { Events } from './events.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import type { LiveRun, LiveRuns } from './live-runs.ts';
import { createLocks } from './locks.ts';
import type { Logger, Store } from './ports.ts';
import { isTerminal } from './run-steps.ts';
import { writeRunFile } from './run-view.ts';

export interface RunChangePorts {
  store: Pick<Store, 'runs' | 'runLogs'>;
  ledger: Pick<Ledger, 'runs'>;
  events: Pick<Events, 'publish'>;
  logger: Logger;
  live: LiveRuns;
}

/** How the state of a live run is written: the ledger first, then its file. */
export interface RunChanges {
  /**
   * Changes a live run. Does nothing once the run has ended, nor if the entry stays the same.
   * @param afterLines whether the lines so far are written first
   */
  change(
    runId: string,
    edit: (entry: RunEntry) => RunEntry,
    options?: { afterLines: boolean },
  ): Promise<void>;
  /** What ends a run is tried again until the disk takes it: nobody works on it any more, so nobody else would. */
  insist(run: LiveRun, ending: () => Promise<void>, why: unknown): void;
  /** Nothing is tried again any more: what could not be written is settled at the next start. */
  stop(): void;
}

/** Milliseconds before the first attempt to write again what a disk refused, and the most between two. */
const firstRetryMs = 1000;
const mostRetryMs = 30_000;

export function createRunChanges(ports: RunChangePorts): RunChanges {
  const { store, ledger, events, logger, live } = ports;
  const locks = createLocks();
  let stopped = false;
  const tell = (id: string) => events.publish({ type: 'run', id });

  /** The ledger has the run's state: with that it is as it is, and its file is written as soon as the disk takes it. */
  const settleFile = async (run: LiveRun) => {
    const { id } = run.entry;
    try {
      await writeRunFile(store, run.entry, run.closing ? run.log.entries : []);
    } catch (error) {
      logger.log('warn', `the file of ${id} does not tell its state yet: ${String(error)}`);
      // Before its end the next change writes it.
      if (run.closing) insist(run, () => settleLater(run), error);
      return;
    }
    if (!run.closing) return;
    // Not before the record is written: whoever looks for the log finds it here or there.
    live.drop(id);
    await dropLog(id);
  };

  const settleLater = async (run: LiveRun) => {
    await locks.run(run.entry.id, () => settleFile(run));
    tell(run.entry.id);
  };

  const dropLog = async (runId: string) => {
    try {
      await store.runLogs.remove(runId);
    } catch (error) {
      // All of it stands in the record by now; the next start tries again.
      logger.log('warn', `the log file of ${runId} could not be deleted: ${String(error)}`);
    }
  };

  const insist: RunChanges['insist'] = (run, ending, why) => {
    if (stopped || GimoError.is(why, 'not_writer')) return;
    run.ending ??= ending;
    clearTimeout(run.retry);
    const { id } = run.entry;
    const again = () => {
      if (stopped || live.get(id) !== run) return;
      ending().catch((error: unknown) => {
        if (live.get(id) === run) insist(run, ending, error);
      });
    };
    run.retryMs = run.retryMs === undefined ? firstRetryMs : Math.min(2 * run.retryMs, mostRetryMs);
    run.retry = setTimeout(again, run.retryMs).unref();
  };

  const write = async (run: LiveRun, edit: (entry: RunEntry) => RunEntry, afterLines: boolean) => {
    // More lines may come while we wait for those that there are.
    while (afterLines && run.log.busy()) await run.log.written();
    const edited = edit(run.entry);
    if (edited === run.entry) return;
    run.closing = isTerminal(edited.status);
    while (run.closing && run.log.busy()) await run.log.written();
    const entry = { ...edited, log: run.log.mark() };
    try {
      await ledger.runs.put(entry);
    } catch (error) {
      run.closing = false;
      throw error;
    }
    run.entry = entry;
    // Before anybody is told: whoever cancels it then finds it waiting.
    if (entry.status === 'paused') run.begun = false;
    await settleFile(run);
    tell(run.entry.id);
  };

  return {
    change: (runId, edit, { afterLines } = { afterLines: true }) =>
      locks.run(runId, async () => {
        const run = live.get(runId);
        if (run !== undefined && !isTerminal(run.entry.status)) await write(run, edit, afterLines);
      }),
    insist,
    stop() {
      stopped = true;
    },
  };
}
