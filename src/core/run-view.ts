import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, LogEntry, RunRecord } from '../contract/records.ts';
import { sealHolds } from './artifacts.ts';
import type { Ledger, RunEntry } from './ledger-ports.ts';
import type { Store } from './ports.ts';
import { beginsWith, changedOutside } from './run-log.ts';
import { fileOf, isTerminal } from './run-steps.ts';

/**
 * Runs as callers see them. A run's file lies in the workspace, where anything may write, so it is believed only where
 * the ledger knows nothing: of a run that is over, for records of the Python service. What was approved here has our
 * seal, and its runs have an entry; a file that tells of another one is strange.
 */
export interface RunView {
  /** The run with this id as it is now, its file there or not; null if nobody knows it. */
  find(runId: string): Promise<RunRecord | null>;
  /** The run as it is now, its live log included. */
  read(run: RunRecord): Promise<RunRecord>;
  /** The same without the log and the results of steps: costs no look at the disk. */
  glance(run: RunRecord): Promise<RunRecord>;
}

/** @param live the run's entry and log while it is live */
export function createRunView(options: {
  store: Pick<Store, 'runs' | 'approved'>;
  ledger: Pick<Ledger, 'runs' | 'mac'>;
  live: (runId: string) => { entry: RunEntry; log: readonly LogEntry[] } | undefined;
}): RunView {
  const { store, ledger, live } = options;
  /** Of artifacts, whether they have our seal: a list asks for many runs of the same. */
  const sealed = new WeakMap<ApprovedRecord, boolean>();
  const isOurs = async (approvedId: string) => {
    const artifact = await store.approved.get(approvedId);
    if (artifact === null || artifact.seal === null) return false;
    const known = sealed.get(artifact) ?? sealHolds(artifact, ledger);
    if (Object.isFrozen(artifact)) sealed.set(artifact, known);
    return known;
  };
  /** A run that no entry stands behind, from elsewhere or forged: nobody works on it, whatever it says. */
  const withoutEntry = async (run: RunRecord): Promise<RunRecord> => {
    if (isTerminal(run.status) && !(await isOurs(run.approved_id))) return run;
    return { ...run, status: 'error', error: strangeError(run) };
  };
  /** Of files of runs that are over, what they were found to be: only an undo changes the entry still, and the disk may refuse its file. */
  const known = new WeakMap<RunRecord, RunRecord>();
  const view: RunView = {
    async find(runId) {
      const file = await store.runs.get(runId);
      if (file !== null) return view.read(file);
      // Somebody may have deleted the file; of a run that is over its log is gone with it.
      const entry = live(runId)?.entry ?? (await ledger.runs.get(runId));
      return entry && view.read(fileOf(entry));
    },
    async read(run) {
      const now = live(run.id);
      if (now !== undefined) return { ...run, ...fileOf(now.entry), log: [...now.log] };
      // It may have ended since the caller read the file; its record was written before it left the live ones.
      const file = (await store.runs.get(run.id)) ?? run;
      const before = known.get(file);
      const undoneAt = (await ledger.runs.glance(run.id))?.undone_at;
      if (before !== undefined && before.undone_at === undoneAt) return before;
      const entry = await ledger.runs.get(run.id);
      if (entry === null) return withoutEntry(file);
      const told = { ...file, ...fileOf(entry) };
      if (!isTerminal(entry.status)) return told;
      const whole = { ...told, log: checkedLog(file.log, entry) };
      known.set(file, whole);
      return whole;
    },
    async glance(run) {
      const entry = live(run.id)?.entry ?? (await ledger.runs.glance(run.id));
      return entry === null ? withoutEntry(run) : { ...run, ...fileOf(entry) };
    },
  };
  return view;
}

/** Why a run that the ledger does not know is over. */
export function strangeError(run: Pick<RunRecord, 'started_at'>): string {
  const begun = run.started_at === null ? 'was not carried out' : 'may be done in part';
  return `GIMO did not start this run, so it ${begun}. Approve the work again to run it.`;
}

/** Whether a run, as it is shown, is one that the ledger does not know. */
export const isStrange = (shown: Pick<RunRecord, 'started_at' | 'error'>): boolean =>
  shown.error === strangeError(shown);

function checkedLog(log: LogEntry[], { log: mark, finished_at }: RunEntry): LogEntry[] {
  if (mark === undefined || (log.length === mark.entries && beginsWith(log, mark))) return log;
  return [changedOutside(finished_at ?? ''), ...log];
}

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
