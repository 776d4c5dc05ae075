import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord, RunStep } from '../contract/records.ts';
import { nextStep } from '../contract/steps.ts';
import type { Approvals } from './artifacts.ts';
import type { Audit } from './audit.ts';
import type { Events } from './events.ts';
import { createLineRedactor } from './line-redactor.ts';
import { createLocks } from './locks.ts';
import type { Clock, Ledger, Logger, RunEntry, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import { beginsWith, changedOutside, createRunLog, type RunLog } from './run-log.ts';
import { type RecoveryPorts, recoverRuns, systemAct } from './run-recovery.ts';
import {
  type Ending,
  entryOf,
  errorText,
  executable,
  heldText,
  isTerminal,
  onward,
  putOff,
  resumed,
  settle,
  withOutcome,
} from './run-steps.ts';
import { createRunView, type RunView, writeRunFile } from './run-view.ts';
import type { Settings } from './settings.ts';
import type { ExecutableStep, ModelTarget, StepOutcome } from './work.ts';

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
  /** Milliseconds that the run was `running` before. */
  ranMs: number;
}

/**
 * The book of live runs: every change of a run's state goes through here, the ledger's entry first (it is the truth,
 * and the journal), then the run's file. A terminal state is never changed, whatever arrives late.
 */
export interface RunBook extends RunView {
  /** Takes up a new run: entry, file, then it is waiting. */
  add(run: RunRecord, digest: string): Promise<void>;
  /** The ids of runs that wait for a slot (not for a person), oldest first. */
  waiting(): string[];
  /** The ids of runs that are being worked on. */
  working(): string[];
  /** The live run's entry, or undefined once it has ended. */
  entry(runId: string): Readonly<RunEntry> | undefined;
  /**
   * Marks a run as running, and hands over what is left to do; null if there is nothing to do now: it has ended (the
   * approval no longer holds), or its next step is a gate.
   */
  begin(runId: string): Promise<Job | null>;
  /**
   * Keeps how a step ended, and marks the next one as begun. After the last step the run is done, after one that failed
   * it has failed; before a gate, and if somebody asked for it, it pauses.
   * @returns whether the next step is to be carried out now
   * @throws GimoError `payload_too_large` if the result is more than a run may keep
   */
  stepEnded(runId: string, stepId: string, outcome: StepOutcome): Promise<boolean>;
  /**
   * Keeps what the step that is under way has to be found by after a crash; durable when it resolves.
   * @throws GimoError `conflict_state` if the run is over
   */
  note(runId: string, trace: unknown): Promise<void>;
  /** Holds a run before its next step; one that is being worked on once its step has ended. */
  pause(runId: string): Promise<void>;
  /**
   * Lets a paused run go on, past the gate that it waits at; of one that was asked to pause, takes the request back.
   * @param actor who says so
   * @param step where the run is, as whoever says so knows it; left out: where it is now
   * @throws GimoError `stale` if the run is elsewhere by now, `conflict_state` if its end is being written
   */
  resume(runId: string, actor: string, step?: string): Promise<void>;
  /** The step that is marked as begun was not begun, and will not be before the next start, which goes on there. */
  putOff(runId: string): Promise<void>;
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

interface Live {
  entry: RunEntry;
  /** Being worked on, here and now; or not to be begun (any more). */
  begun: boolean;
  /** Since when it has been running, in milliseconds since 1970, as far as `ran_ms` does not count it yet. */
  since: number;
  /** Its end is being written: a line that comes now is late. */
  closing: boolean;
  log: RunLog;
  redactLine: (line: string, step: string | undefined) => string;
  /** Its end, once the disk has refused it: no other takes its place. */
  ending: (() => Promise<void>) | undefined;
  /** Tries again to write its end, and after how many milliseconds it did so last. */
  retry: NodeJS.Timeout | undefined;
  retryMs: number;
}

/** Milliseconds, half of those before the first attempt to write again what a disk refused, and the most between two. */
const halfRetryMs = 500;
const mostRetryMs = 30_000;

export function createRunBook(ports: RunBookPorts): RunBook {
  const { store, ledger, settings, approvals, redactor, events, clock, logger } = ports;
  const live = new Map<string, Live>();
  const locks = createLocks();
  /** The server stops: what could not be written is settled at the next start. */
  let over = false;
  const now = () => new Date(clock.now()).toISOString();
  const changed = (id: string) => events.publish({ type: 'run', id });
  const view = createRunView({
    ...{ store, ledger },
    live: (runId) => {
      const run = live.get(runId);
      return run && { entry: run.entry, log: run.log.entries };
    },
  });

  const freshly = (entry: RunEntry, before: readonly LogEntry[]): Live => ({
    ...{ entry, begun: false, closing: false, since: clock.now() },
    ...{ ending: undefined, retry: undefined, retryMs: halfRetryMs },
    redactLine: createLineRedactor(redactor.redact),
    log: createRunLog({
      before,
      append: (lines) => store.runLogs.append(entry.id, lines),
      told: () => events.publish({ type: 'log', id: entry.id }),
      lost: (error) =>
        logger.log('error', `lines of ${entry.id}'s log could not be written: ${String(error)}`),
    }),
  });

  /**
   * Changes a live run: ledger first, then its file. Does nothing once the run has ended, nor if the entry stays the same.
   * @param afterLines whether the lines so far are written first
   */
  const change = (runId: string, edit: (entry: RunEntry) => RunEntry, afterLines = true) =>
    locks.run(runId, async () => {
      const run = live.get(runId);
      if (run === undefined || isTerminal(run.entry.status)) return;
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
      changed(runId);
    });

  /** The ledger has the run's state: with that it is as it is, and its file is written as soon as the disk takes it. */
  const settleFile = async (run: Live) => {
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
    live.delete(id);
    await dropLog(id);
  };

  const settleLater = async (run: Live) => {
    await locks.run(run.entry.id, () => settleFile(run));
    changed(run.entry.id);
  };

  /** What ends a run is tried again until the disk takes it: nobody works on it any more, so nobody else would. */
  const insist = (run: Live, ending: () => Promise<void>, why: unknown) => {
    if (over || GimoError.is(why, 'not_writer')) return;
    run.ending ??= ending;
    clearTimeout(run.retry);
    const { id } = run.entry;
    const again = () => {
      if (over || live.get(id) !== run) return;
      ending().catch((error: unknown) => {
        if (live.get(id) === run) insist(run, ending, error);
      });
    };
    run.retryMs = Math.min(2 * run.retryMs, mostRetryMs);
    run.retry = setTimeout(again, run.retryMs).unref();
  };

  const dropLog = async (runId: string) => {
    try {
      await store.runLogs.remove(runId);
    } catch (error) {
      // All of it stands in the record by now; the next start tries again.
      logger.log('warn', `the log file of ${runId} could not be deleted: ${String(error)}`);
    }
  };

  /**
   * The lines so far of a run, after a restart. Those since its last change nobody has witnessed; those before have to be
   * what they were. A log that cannot be read is told, and keeps nobody from going on with its run.
   */
  const linesOf = async ({ id, log: mark }: RunEntry) => {
    let lines: LogEntry[] = [];
    try {
      lines = await store.runLogs.read(id);
    } catch (error) {
      logger.log('warn', `the log file of ${id} could not be read: ${String(error)}`);
    }
    return mark === undefined || beginsWith(lines, mark)
      ? lines
      : [changedOutside(now()), ...lines];
  };

  /**
   * The caller is told that there is no run: then none may begin, not after a restart either. A disk may refuse to write
   * and keep what it was given all the same.
   */
  const discard = async (runId: string) => {
    try {
      await ledger.runs.remove(runId);
      await store.runs.remove(runId);
    } catch (error) {
      logger.log('error', `what was written of ${runId} could not be removed: ${String(error)}`);
    }
  };

  const log = (runId: string, level: string, msg: string, step?: string) => {
    const run = live.get(runId);
    if (run === undefined || run.closing || (run.log.isCut() && step !== undefined)) return;
    run.log.add({
      ts: now(),
      level,
      msg: run.redactLine(msg, step).toWellFormed(),
      ...(step === undefined ? {} : { step }),
    });
  };

  /** Waits for the lines so far, and notes them in the ledger: after the next start they have to be what they are. */
  const witness = async (run: Live) => {
    await run.log.written();
    const noted = (entry: RunEntry) =>
      entry.log?.sha256 === run.log.mark().sha256 ? entry : { ...entry };
    try {
      await change(run.entry.id, noted);
    } catch (error) {
      logger.log('warn', `the log of ${run.entry.id} is not witnessed: ${String(error)}`);
    }
  };

  /** The time that a run has been running, counted up to now. */
  const ran = (run: Live): number => {
    const before = run.since;
    run.since = clock.now();
    return (run.entry.ran_ms ?? 0) + Math.max(0, run.since - before);
  };

  /** @returns whether it goes on */
  const enter = async (run: Live, goingOn: () => RunEntry): Promise<boolean> => {
    const { id } = run.entry;
    let told = '';
    await change(id, () => {
      const next = goingOn();
      if (next !== run.entry && next.status === 'paused') told = heldText(next.steps);
      return next;
    });
    if (run.entry.status !== 'paused') return run.entry.status === 'running';
    if (told !== '') log(id, 'INFO', told);
    return false;
  };

  const stepEnded = async (runId: string, stepId: string, outcome: StepOutcome) => {
    const run = live.get(runId);
    if (run === undefined) return false;
    const steps = withOutcome(run.entry.steps, stepId, outcome, now());
    if (outcome.error !== undefined) {
      await end(runId, { status: 'error', error: outcome.error }, steps);
      return false;
    }
    if (nextStep(steps) !== undefined)
      return enter(run, () => onward({ ...run.entry, steps, ran_ms: ran(run) }, now()));
    log(runId, 'INFO', 'Execution completed');
    try {
      await complete(run, steps);
    } catch (error) {
      // All of it was done: a disk that is full now must not make a failure of it.
      if (!GimoError.is(error, 'storage_full') && !GimoError.is(error, 'storage_error'))
        throw error;
      logger.log('error', `the end of ${runId} could not be written: ${error.message}`);
      insist(run, () => complete(run, steps), error);
    }
    return false;
  };

  const complete = (run: Live, steps: RunStep[]) => {
    const done = { steps, trace: undefined, status: 'done' as const };
    return change(run.entry.id, (entry) => ({ ...entry, ...done, finished_at: now() }));
  };

  /** What is to end goes nowhere else: its end is tried again here and now. */
  const requireGoing = async (run: Live) => {
    if (run.ending === undefined) return;
    await run.ending();
    throw new GimoError(
      'conflict_state',
      'This run is over: its end, which the disk had refused, is written now.',
    );
  };

  const pause = async (runId: string) => {
    const run = live.get(runId);
    if (run === undefined) return;
    await requireGoing(run);
    let told = '';
    // What it is doing is known only when it is this change's turn.
    const hold = (entry: RunEntry): RunEntry => {
      if (entry.status === 'paused') return entry;
      if (entry.status === 'pending') {
        told = heldText([]);
        return { ...entry, status: 'paused' };
      }
      told = 'Asked to pause before the next step';
      return { ...entry, pause_requested: true };
    };
    await change(runId, hold, false);
    if (told !== '') log(runId, 'INFO', told);
  };

  const resume = async (
    runId: string,
    actor: string,
    step = nextStep(live.get(runId)?.entry.steps ?? [])?.id,
  ) => {
    const run = live.get(runId);
    if (run === undefined) return;
    await requireGoing(run);
    let told = '';
    const goOn = (entry: RunEntry): RunEntry => {
      if (nextStep(entry.steps)?.id !== step) throw elsewhere();
      const next = resumed(entry, actor, now());
      told = next.told;
      // All of it was done with that gate: these lines belong to what is being written.
      if (isTerminal(next.entry.status)) {
        log(runId, 'INFO', told);
        log(runId, 'INFO', 'Execution completed');
      }
      return next.entry;
    };
    await change(runId, goOn);
    // Said only once it is so: a line cannot be taken back. (After the end it is not said again.)
    if (told !== '') log(runId, 'INFO', told);
  };

  const end = async (runId: string, ending: Ending, ended?: readonly RunStep[]) => {
    const kept = live.get(runId)?.ending;
    if (kept !== undefined) return kept();
    const error = ending.error === undefined ? null : errorText(redactor.redact(ending.error));
    if (error !== null) log(runId, ending.status === 'error' ? 'ERROR' : 'WARNING', error);
    if (ending.status === 'cancelled') log(runId, 'INFO', 'Run cancelled');
    const write = () =>
      change(runId, (entry) => ({
        ...entry,
        status: ending.status,
        finished_at: now(),
        ...{ error, trace: undefined },
        steps: (ended ?? entry.steps).map((step) => settle(step, ending.status, now())),
      }));
    try {
      await write();
    } catch (failure) {
      const run = live.get(runId);
      if (run !== undefined) insist(run, write, failure);
      throw failure;
    }
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
    run.since = clock.now();
    const goes = await enter(run, () => {
      const { attempt, steps, status } = run.entry;
      // Somebody held it while it was being checked; and may have let it go on again.
      run.begun = status !== 'paused';
      if (!run.begun) return run.entry;
      log(runId, 'INFO', attempt === 0 ? 'Execution started' : 'Execution resumed');
      if (target !== null) log(runId, 'INFO', `Provider: ${target.name} (${target.model})`);
      const again = attempt === 0 || steps.some(({ status }) => status === 'running');
      const started_at = run.entry.started_at ?? now();
      return onward({ ...run.entry, started_at, attempt: again ? attempt + 1 : attempt }, now());
    });
    if (!goes) return null;
    const open = new Set(
      run.entry.steps.filter((step) => step.status !== 'done').map(({ id }) => id),
    );
    const left = executable(found).filter(({ id }) => open.has(id));
    return { runId, target, steps: left, ranMs: run.entry.ran_ms ?? 0 };
  };

  return {
    async add(run, digest) {
      const entry = entryOf(run, digest);
      try {
        await ledger.runs.put(entry);
        await store.runs.put(run);
      } catch (error) {
        await discard(run.id);
        throw error;
      }
      live.set(run.id, freshly(entry, []));
      log(run.id, 'INFO', 'Run created');
    },
    waiting: () =>
      [...live.values()]
        .filter((run) => !run.begun && run.entry.status !== 'paused')
        .map((run) => run.entry.id)
        .sort(byAge),
    working: () => [...live.values()].filter((run) => run.begun).map((run) => run.entry.id),
    entry: (runId) => live.get(runId)?.entry,
    begin,
    stepEnded,
    async note(runId, trace) {
      await change(runId, (entry) => ({ ...entry, trace }), false);
      if (live.get(runId)?.entry.trace === trace) return;
      throw new GimoError('conflict_state', 'The run is over, so its step does not go on.');
    },
    pause,
    resume,
    async putOff(runId) {
      const run = live.get(runId);
      if (run === undefined) return;
      const wait = (entry: RunEntry): RunEntry =>
        entry.status === 'running'
          ? { ...entry, status: 'pending', steps: putOff(entry.steps), ran_ms: ran(run) }
          : entry;
      await change(runId, wait, false);
    },
    log,
    async requestCancel(runId) {
      const run = live.get(runId);
      if (run === undefined) return true;
      if (run.ending !== undefined) {
        await run.ending();
        return true;
      }
      if (!run.begun) {
        run.begun = true;
        await end(runId, { status: 'cancelled' });
        return true;
      }
      await change(runId, (entry) => ({ ...entry, cancel_requested: true }), false);
      return false;
    },
    end,
    ...view,
    async drained() {
      over = true;
      await Promise.all([...live.values()].map(witness));
    },
    recover: (settleStep) =>
      recoverRuns({
        ...{ store, ledger, audit: ports.audit, logger, now, end, settle: settleStep },
        async takeUp(entry, mayBegin) {
          const run = freshly(entry, await linesOf(entry));
          run.begun = !mayBegin;
          live.set(entry.id, run);
        },
        isLive: (runId) => live.has(runId),
      }),
  };
}

const byAge = (a: string, b: string) =>
  Number(a.split('_')[1]) - Number(b.split('_')[1]) || (a < b ? -1 : 1);

const elsewhere = () =>
  new GimoError(
    'stale',
    'The run is not at this step any more, so it was not let go on. Look where it is, then try again.',
  );

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
  return approvals.blocked(artifact, entry) ?? artifact;
}
