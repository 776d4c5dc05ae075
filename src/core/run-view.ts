import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord } from '../contract/records.ts';
import type { Ledger, LogMark, RunEntry, Store } from './ports.ts';
import { markOf } from './run-log.ts';
import { fileOf, isTerminal } from './run-steps.ts';

/**
 * Runs as callers see them. A run's file lies in the workspace, where anything may write, so it is believed only where
 * the ledger knows nothing: of a run that is over, for records of the Python service.
 */
export interface RunView {
  /** The run as it is now, its live log included. */
  read(run: RunRecord): Promise<RunRecord>;
  /** The same without the log and the results of steps: costs no look at the disk. */
  glance(run: RunRecord): Promise<RunRecord>;
}

/** @param live the run's entry and log while it is live */
export function createRunView(options: {
  store: Pick<Store, 'runs'>;
  ledger: Pick<Ledger, 'runs'>;
  live: (runId: string) => { entry: RunEntry; log: readonly LogEntry[] } | undefined;
}): RunView {
  const { store, ledger, live } = options;
  /** Of files of runs that are over, what they were found to be: neither the file nor the entry changes any more. */
  const known = new WeakMap<RunRecord, RunRecord>();
  return {
    async read(run) {
      const now = live(run.id);
      if (now !== undefined) return { ...run, ...fileOf(now.entry), log: [...now.log] };
      // It may have ended since the caller read the file; its record was written before it left the live ones.
      const file = (await store.runs.get(run.id)) ?? run;
      const before = known.get(file);
      if (before !== undefined) return before;
      const entry = await ledger.runs.get(run.id);
      if (entry === null) return strange(file);
      const told = { ...file, ...fileOf(entry) };
      if (!isTerminal(entry.status)) return told;
      const whole = { ...told, log: checkedLog(file.log, entry) };
      known.set(file, whole);
      return whole;
    },
    async glance(run) {
      const entry = live(run.id)?.entry ?? (await ledger.runs.glance(run.id));
      return entry === null ? strange(run) : { ...run, ...fileOf(entry) };
    },
  };
}

/** Why a run that the ledger does not know is over. */
export function strangeError(run: Pick<RunRecord, 'started_at'>): string {
  const begun = run.started_at === null ? 'was not carried out' : 'may be done in part';
  return `GIMO did not start this run, so it ${begun}. Approve the work again to run it.`;
}

/** A run that no entry stands behind, from elsewhere or forged: nobody works on it, whatever it says. */
function strange(run: RunRecord): RunRecord {
  return isTerminal(run.status) ? run : { ...run, status: 'error', error: strangeError(run) };
}

function checkedLog(log: LogEntry[], { log: mark, finished_at }: RunEntry): LogEntry[] {
  if (mark === undefined || isSame(mark, markOf(log))) return log;
  const msg =
    'The log of this run was changed outside GIMO, or lines of it were lost: the lines below are not what was written.';
  return [{ ts: finished_at ?? '', level: 'WARNING', msg }, ...log];
}

const isSame = (a: LogMark, b: LogMark) => a.entries === b.entries && a.sha256 === b.sha256;

/** Writes a run's file from its entry. Fields that we do not know stay, unless there is no room for them. */
export async function writeRunFile(
  store: Pick<Store, 'runs'>,
  entry: RunEntry,
  log: readonly LogEntry[],
): Promise<void> {
  const found = await store.runs.get(entry.id);
  const ours = { ...fileOf(entry), log: [...log] };
  const { pause_requested: _before, ...rest }: Record<string, unknown> = found ?? {};
  try {
    await store.runs.put({ ...rest, ...ours });
  } catch (error) {
    // What somebody else added must not keep the outcome from being told.
    if (found === null || !GimoError.is(error, 'storage_error')) throw error;
    await store.runs.put(ours);
  }
}
