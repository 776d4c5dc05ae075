import { GimoError } from '../contract/errors.ts';
import type { RunRecord } from '../contract/records.ts';
import type { Artifacts } from './artifacts.ts';
import type { Audit } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Events } from './events.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import { createLiveRuns, type LiveRun, type LiveRuns } from './live-runs.ts';
import type { Logger, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import { createRunChanges, type RunChanges } from './run-changes.ts';
import { createRunEnds, type RunEnds } from './run-ends.ts';
import { createRunHolds, type RunHolds } from './run-holds.ts';
import { createRunProgress, type RunProgress } from './run-progress.ts';
import { type RecoveryPorts, recoverRuns } from './run-recovery.ts';
import { type Ending, entryOf } from './run-steps.ts';
import { createRunView, type RunView } from './run-view.ts';
import type { Settings } from './settings.ts';

export interface RunBookPorts {
  store: Store;
  ledger: Ledger;
  settings: Settings;
  artifacts: Artifacts;
  redactor: Redactor;
  audit: Audit;
  events: Events;
  clock: Clock;
  logger: Logger;
}

/**
 * The book of live runs: every change of a run's state goes through here, the ledger's entry first (it is the truth,
 * and the journal), then the run's file. A terminal state is never changed, whatever arrives late.
 */
export interface RunBook extends RunView, RunProgress, RunHolds {
  /** Takes up a new run: entry, file, then it is waiting. */
  add(run: RunRecord, digest: string): Promise<void>;
  /** The ids of runs that wait for a slot (not for a person), oldest first. */
  waiting(): string[];
  /** The ids of runs that are being worked on. */
  working(): string[];
  /** The live run's entry, or undefined once it has ended. */
  entry(runId: string): Readonly<RunEntry> | undefined;
  /**
   * Keeps what the step that is under way has to be found by after a crash; durable when it resolves.
   * @throws GimoError `conflict_state` if the run is over
   */
  note(runId: string, trace: unknown): Promise<void>;
  log(runId: string, level: string, msg: string, step?: string): void;
  /** Writes that somebody wants it to stop. @returns whether it was waiting, and so has ended at once */
  requestCancel(runId: string): Promise<boolean>;
  /** Ends a run. If the disk refuses that, it throws, and goes on trying. */
  end(runId: string, ending: Ending): Promise<void>;
  /** The server stops: nothing is tried again any more. Resolves when the lines so far are written and witnessed. */
  drained(): Promise<void>;
  /**
   * After a start: takes up what the ledger knows, completes run files, and ends runs that it does not know.
   * @param settle settles a step that was under way and cannot be repeated
   */
  recover(settle: RecoveryPorts['settle']): Promise<void>;
}

/** What the book is put together of. */
interface Parts extends RunBookPorts {
  live: LiveRuns;
  changes: RunChanges;
  ends: RunEnds;
}

export function createRunBook(ports: RunBookPorts): RunBook {
  const { store, ledger, audit, clock, logger } = ports;
  const live = createLiveRuns(ports);
  const changes = createRunChanges({ ...ports, live });
  const ends = createRunEnds({ ...ports, live, changes });
  const parts: Parts = { ...ports, live, changes, ends };
  return {
    ...createRunProgress(parts),
    ...createRunHolds(parts),
    ...createRunView({
      ...{ store, ledger },
      live(runId) {
        const run = live.get(runId);
        return run && { entry: run.entry, log: run.log.entries };
      },
    }),
    add: (run, digest) => add(parts, run, digest),
    waiting: () => waiting(live),
    working: () => idsOf(live.all().filter((run) => run.begun)),
    entry: (runId) => live.get(runId)?.entry,
    async note(runId, trace) {
      await changes.change(runId, (entry) => ({ ...entry, trace }), { afterLines: false });
      if (live.get(runId)?.entry.trace === trace) return;
      throw new GimoError('conflict_state', 'The run is over, so its step does not go on.');
    },
    log: live.log,
    requestCancel: (runId) => requestCancel(parts, runId),
    end: (runId, ending) => ends.end(runId, ending),
    async drained() {
      changes.stop();
      await Promise.all(live.all().map((run) => witness(parts, run)));
    },
    recover: (settle) =>
      recoverRuns({
        ...{ store, ledger, audit, clock, logger, settle },
        ...{ end: ends.end, takeUp: live.takeUp },
        isLive: (runId) => live.get(runId) !== undefined,
      }),
  };
}

const idsOf = (runs: readonly LiveRun[]) => runs.map((run) => run.entry.id);

const waiting = (live: LiveRuns) =>
  idsOf(live.all().filter((run) => !run.begun && run.entry.status !== 'paused')).sort(byAge);

const byAge = (a: string, b: string) =>
  Number(a.split('_')[1]) - Number(b.split('_')[1]) || (a < b ? -1 : 1);

async function add(parts: Parts, run: RunRecord, digest: string): Promise<void> {
  const { store, ledger, live } = parts;
  const entry = entryOf(run, digest);
  try {
    await ledger.runs.put(entry);
    await store.runs.put(run);
  } catch (error) {
    await discard(parts, run.id);
    throw error;
  }
  live.takeUp(entry, [], true);
  live.log(run.id, 'INFO', 'Run created');
}

/**
 * The caller is told that there is no run: then none may begin, not after a restart either. A disk may refuse to write
 * and keep what it was given all the same.
 */
async function discard({ store, ledger, logger }: Parts, runId: string): Promise<void> {
  try {
    await ledger.runs.remove(runId);
    await store.runs.remove(runId);
  } catch (error) {
    logger.log('error', `what was written of ${runId} could not be removed: ${String(error)}`);
  }
}

async function requestCancel({ live, changes, ends }: Parts, runId: string): Promise<boolean> {
  const run = live.get(runId);
  if (run === undefined) return true;
  if (run.ending !== undefined) {
    await run.ending();
    return true;
  }
  if (!run.begun) {
    run.begun = true;
    await ends.end(runId, { status: 'cancelled' });
    return true;
  }
  const ask = (entry: RunEntry) => ({ ...entry, cancel_requested: true });
  await changes.change(runId, ask, { afterLines: false });
  return false;
}

/** Waits for the lines so far, and notes them in the ledger: after the next start they have to be what they are. */
async function witness({ changes, logger }: Parts, run: LiveRun): Promise<void> {
  await run.log.written();
  const noted = (entry: RunEntry) =>
    entry.log?.sha256 === run.log.mark().sha256 ? entry : { ...entry };
  try {
    await changes.change(run.entry.id, noted);
  } catch (error) {
    logger.log('warn', `the log of ${run.entry.id} is not witnessed: ${String(error)}`);
  }
}
