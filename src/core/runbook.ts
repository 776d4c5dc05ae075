import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord } from '../contract/records.ts';
import type { Approvals } from './approvals.ts';
import type { Audit } from './audit.ts';
import type { Events } from './events.ts';
import { createLocks } from './locks.ts';
import type {
  Clock,
  ExecutableStep,
  Ledger,
  Logger,
  ModelTarget,
  RunEntry,
  Store,
} from './ports.ts';
import { systemActor } from './principals.ts';
import type { Redactor } from './redaction.ts';
import {
  beginNext,
  type Ending,
  entryOf,
  executable,
  fileOf,
  isTerminal,
  settle,
} from './run-steps.ts';
import type { Settings } from './settings.ts';

export interface RunBookPorts {
  store: Store;
  ledger: Ledger;
  settings: Settings;
  approvals: Approvals;
  redactor: Redactor;
  audit: Audit;
  events: Events;
  clock: Clock;
  logger: Logger;
}

/** What a worker carries out: checked against seal and digest at the moment it is handed over. */
export interface Job {
  runId: string;
  /** The steps that have not ended, in order. */
  steps: ExecutableStep[];
  target: ModelTarget | null;
}

/**
 * The book of live runs: every change of a run's state goes through here, the ledger's entry first (it is the truth,
 * and the journal), then the run's file. A terminal state is never changed, whatever arrives late.
 */
export interface RunBook {
  /** Takes up a new run: entry, file, then it is waiting. */
  add(run: RunRecord, digest: string): Promise<void>;
  /** The ids of runs that wait for a slot, oldest first. */
  waiting(): string[];
  /** The ids of runs that are being worked on. */
  working(): string[];
  /** The live run's entry, or undefined once it has ended. */
  entry(runId: string): Readonly<RunEntry> | undefined;
  /** Marks a run as running, and hands over what is left to do; null if it ended instead (approval no longer holds). */
  begin(runId: string): Promise<Job | null>;
  /** Keeps a step's result, and marks the next step as begun; after the last one the run is done. */
  stepDone(runId: string, stepId: string, result: unknown): Promise<void>;
  log(runId: string, level: string, msg: string, step?: string): void;
  /** Writes that somebody wants it to stop. @returns whether it was waiting, and so has ended at once */
  requestCancel(runId: string): Promise<boolean>;
  end(runId: string, ending: Ending): Promise<void>;
  /** The run as it is now, its live log included. */
  read(run: RunRecord): Promise<RunRecord>;
  /** Resolves when the lines so far are written: a server that stops waits for them. */
  drained(): Promise<void>;
  /** After a start: takes up what the ledger knows, completes run files, and ends runs that it does not know. */
  recover(): Promise<void>;
}

interface Live {
  entry: RunEntry;
  /** Being worked on, here and now; or not to be begun (any more). */
  begun: boolean;
  /** Its end is being written: a line that comes now is late. */
  closing: boolean;
  /** Log lines are written one after another, and state changes after the lines before them. */
  tail: Promise<void>;
}

export function createRunBook(ports: RunBookPorts): RunBook {
  const { store, ledger, settings, approvals, redactor, events, clock, logger } = ports;
  const live = new Map<string, Live>();
  const locks = createLocks();
  const now = () => new Date(clock.now()).toISOString();
  const changed = (id: string) => events.publish({ type: 'run', id });

  /** Changes a live run: ledger first, then its file. Does nothing once the run has ended. */
  const change = (runId: string, edit: (entry: RunEntry) => RunEntry) =>
    locks.run(runId, async () => {
      const run = live.get(runId);
      if (run === undefined || isTerminal(run.entry.status)) return;
      // More lines may come while we wait for those that there are.
      for (let tail: unknown; tail !== run.tail; await tail) tail = run.tail;
      const entry = edit(run.entry);
      run.closing = isTerminal(entry.status);
      try {
        await ledger.runs.put(entry);
      } catch (error) {
        run.closing = false;
        throw error;
      }
      run.entry = entry;
      await writeFile(entry);
      if (isTerminal(entry.status)) live.delete(runId);
      changed(runId);
    });

  /** Writes the run's file from its entry; once it is over the log is folded in. Unknown fields stay. */
  const writeFile = async (entry: RunEntry) => {
    const found = await store.runs.get(entry.id);
    const over = isTerminal(entry.status);
    await store.runs.put({
      ...found,
      ...fileOf(entry),
      log: over ? await store.runLogs.read(entry.id) : [],
    });
    if (over) await store.runLogs.remove(entry.id);
  };

  const log = (runId: string, level: string, msg: string, step?: string) => {
    const run = live.get(runId);
    if (run === undefined || run.closing) return;
    const line: LogEntry = {
      ts: now(),
      level,
      msg: redactor.redact(msg).toWellFormed(),
      ...(step === undefined ? {} : { step }),
    };
    run.tail = run.tail
      .then(() => store.runLogs.append(runId, [line]))
      .then(
        () => events.publish({ type: 'log', id: runId }),
        (error: unknown) =>
          logger.log('error', `a line of ${runId}'s log is lost: ${String(error)}`),
      );
  };

  const stepDone = (runId: string, stepId: string, result: unknown) => {
    const run = live.get(runId);
    const last = run?.entry.steps.every((step) => step.id === stepId || step.status === 'done');
    if (last === true) log(runId, 'INFO', 'Execution completed');
    return change(runId, (entry) => {
      const steps = entry.steps.map((step) =>
        step.id === stepId
          ? { ...step, status: 'done' as const, result, finished_at: now() }
          : step,
      );
      return last === true
        ? { ...entry, steps, status: 'done', finished_at: now() }
        : { ...entry, steps: beginNext(steps, now()) };
    });
  };

  const end = (runId: string, ending: Ending) => {
    if (ending.status === 'error') log(runId, 'ERROR', ending.error);
    else log(runId, 'INFO', 'Run cancelled');
    return change(runId, (entry) => ({
      ...entry,
      status: ending.status,
      finished_at: now(),
      error: ending.status === 'error' ? redactor.redact(ending.error).toWellFormed() : null,
      steps: entry.steps.map((step) => settle(step, ending.status, now())),
    }));
  };

  const begin = async (runId: string): Promise<Job | null> => {
    const run = live.get(runId);
    if (run === undefined || run.begun) return null;
    run.begun = true;
    const found = await checked(run.entry, store, approvals);
    if (GimoError.is(found)) {
      await auditRefusal(ports.audit, run.entry, found);
      await end(runId, { status: 'error', error: found.message });
      return null;
    }
    const target =
      found.provider_resolved === null ? null : await settings.target(found.provider_resolved);
    log(runId, 'INFO', run.entry.attempt === 0 ? 'Execution started' : 'Execution resumed');
    if (target !== null) log(runId, 'INFO', `Provider: ${target.name} (${target.model})`);
    await change(runId, (entry) => ({
      ...entry,
      status: 'running',
      started_at: entry.started_at ?? now(),
      attempt: entry.attempt + 1,
      steps: beginNext(entry.steps, now()),
    }));
    const open = new Set(
      run.entry.steps.filter((step) => step.status !== 'done').map(({ id }) => id),
    );
    return { runId, target, steps: executable(found).filter(({ id }) => open.has(id)) };
  };

  return {
    async add(run, digest) {
      const entry = entryOf(run, digest);
      await ledger.runs.put(entry);
      try {
        await store.runs.put(run);
      } catch (error) {
        // The caller is told that there is no run: then none may begin, not after a restart either.
        await ledger.runs.remove(run.id);
        throw error;
      }
      live.set(run.id, freshly(entry));
      log(run.id, 'INFO', 'Run created');
    },
    waiting: () =>
      [...live.values()]
        .filter((run) => !run.begun)
        .map((run) => run.entry.id)
        .sort(byAge),
    working: () => [...live.values()].filter((run) => run.begun).map((run) => run.entry.id),
    entry: (runId) => live.get(runId)?.entry,
    begin,
    stepDone,
    log,
    async requestCancel(runId) {
      const run = live.get(runId);
      if (run === undefined) return true;
      if (!run.begun) {
        run.begun = true;
        await end(runId, { status: 'cancelled' });
        return true;
      }
      await change(runId, (entry) => ({ ...entry, cancel_requested: true }));
      return false;
    },
    end,
    async read(run) {
      const entry = live.get(run.id)?.entry;
      if (entry === undefined) return run;
      return { ...run, ...fileOf(entry), log: await store.runLogs.read(run.id) };
    },
    async drained() {
      await Promise.all([...live.values()].map((run) => run.tail));
    },
    async recover() {
      for (const entry of await ledger.runs.all()) await recoverRun(entry);
      await endUnknown();
    },
  };

  async function recoverRun(entry: RunEntry) {
    const file = await store.runs.get(entry.id);
    if (isTerminal(entry.status)) {
      if (file !== null && !isTerminal(file.status)) await writeFile(entry);
      else await store.runLogs.remove(entry.id);
      return;
    }
    live.set(entry.id, freshly(entry));
    if (file === null) await writeFile(entry);
    if (entry.cancel_requested) return end(entry.id, { status: 'cancelled' });
    const begun = entry.steps.find((step) => step.status === 'running');
    if (begun !== undefined && begun.kind !== 'prompt')
      await end(entry.id, {
        status: 'error',
        error: `The server stopped while step "${begun.id}" was running. It may or may not have happened; look before you run it again.`,
      });
  }

  /** Runs that no ledger entry stands behind (from elsewhere, or forged) never execute: they are ended, in words. */
  async function endUnknown() {
    const status = ['pending', 'running', 'paused'];
    let before: string | undefined;
    do {
      const from = before === undefined ? {} : { before };
      const page = await store.runs.list({ limit: 1000, status, ...from });
      for (const run of page.records)
        if (!live.has(run.id))
          await ports.audit.around(systemAct('endUnknownRun', run.id), () => endFile(run));
      before = page.next ?? undefined;
    } while (before !== undefined);
  }

  async function endFile(run: RunRecord) {
    const begun = run.started_at === null ? 'was not carried out' : 'may be done in part';
    const error = `GIMO did not start this run, so it ${begun}. Approve the work again to run it.`;
    const line = { ts: now(), level: 'ERROR', msg: error };
    await store.runs.put({
      ...run,
      status: 'error',
      error,
      finished_at: now(),
      log: [...run.log, line],
    });
  }
}

const freshly = (entry: RunEntry): Live => ({
  ...{ entry, begun: false, closing: false, tail: Promise.resolve() },
});

const byAge = (a: string, b: string) =>
  Number(a.split('_')[1]) - Number(b.split('_')[1]) || (a < b ? -1 : 1);

function systemAct(operation: string, target: string) {
  return { correlationId: 'recovery', actor: systemActor, operation, target, request: null };
}

async function auditRefusal(audit: Audit, entry: RunEntry, refusal: GimoError) {
  await audit.append(systemAct('beginRun', entry.id), refusal.code);
}

/** The artifact of a run if it still is what was approved, or why not. */
async function checked(entry: RunEntry, store: Store, approvals: Approvals) {
  const artifact = await store.approved.get(entry.approved_id);
  if (artifact === null)
    return new GimoError('approval_invalid', 'The approved artifact of this run is gone.');
  if (artifact.digest !== entry.digest)
    return new GimoError('approval_invalid', 'The artifact is not the one this run was made from.');
  return approvals.blocked(artifact) ?? artifact;
}
