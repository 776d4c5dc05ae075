import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord, RunStep } from '../contract/records.ts';
import type { Approvals } from './artifacts.ts';
import type { Audit } from './audit.ts';
import type { Events } from './events.ts';
import { createLineRedactor } from './line-redactor.ts';
import { createLocks } from './locks.ts';
import type { Clock, Ledger, Logger, RunEntry, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import { createRunLog, markOf, type RunLog } from './run-log.ts';
import { type RecoveryPorts, recoverRuns, systemAct } from './run-recovery.ts';
import {
  type Ending,
  entryOf,
  errorText,
  executable,
  heldText,
  isTerminal,
  nextStep,
  onward,
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
  /** Lets a paused run go on, past the gate that it waits at. @param actor who says so */
  resume(runId: string, actor: string): Promise<void>;
  log(runId: string, level: string, msg: string, step?: string): void;
  /** Writes that somebody wants it to stop. @returns whether it was waiting, and so has ended at once */
  requestCancel(runId: string): Promise<boolean>;
  end(runId: string, ending: Ending): Promise<void>;
  /** Resolves when the lines so far are written: a server that stops waits for them. */
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
}

export function createRunBook(ports: RunBookPorts): RunBook {
  const { store, ledger, settings, approvals, redactor, events, clock, logger } = ports;
  const live = new Map<string, Live>();
  const locks = createLocks();
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
   * Changes a live run: ledger first, then its file. Does nothing once the run has ended.
   * @param afterLines whether the lines so far are written first
   */
  const change = (runId: string, edit: (entry: RunEntry) => RunEntry, afterLines = true) =>
    locks.run(runId, async () => {
      const run = live.get(runId);
      if (run === undefined || isTerminal(run.entry.status)) return;
      // More lines may come while we wait for those that there are.
      while (afterLines && run.log.busy()) await run.log.written();
      const edited = edit(run.entry);
      run.closing = isTerminal(edited.status);
      const entry = run.closing ? { ...edited, log: markOf(run.log.entries) } : edited;
      try {
        await ledger.runs.put(entry);
      } catch (error) {
        run.closing = false;
        throw error;
      }
      run.entry = entry;
      await writeRunFile(store, entry, run.closing ? run.log.entries : []);
      if (run.closing) {
        // Not before the record is written: whoever looks for the log finds it here or there.
        live.delete(runId);
        await dropLog(runId);
      }
      changed(runId);
    });

  const dropLog = async (runId: string) => {
    try {
      await store.runLogs.remove(runId);
    } catch (error) {
      // All of it stands in the record by now; the next start tries again.
      logger.log('warn', `the log file of ${runId} could not be deleted: ${String(error)}`);
    }
  };

  /** A log that cannot be read is told, and keeps nobody from going on with its run. */
  const linesOf = async (runId: string) => {
    try {
      return await store.runLogs.read(runId);
    } catch (error) {
      logger.log('warn', `the log file of ${runId} could not be read: ${String(error)}`);
      return [];
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

  /** The time that a run has been running, counted up to now. */
  const ran = (run: Live): number => {
    const before = run.since;
    run.since = clock.now();
    return (run.entry.ran_ms ?? 0) + Math.max(0, run.since - before);
  };

  /** @returns whether it goes on */
  const enter = async (run: Live, goingOn: () => RunEntry): Promise<boolean> => {
    const { id } = run.entry;
    await change(id, goingOn);
    if (run.entry.status !== 'paused') return run.entry.status === 'running';
    log(id, 'INFO', heldText(run.entry.steps));
    run.begun = false;
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
    await complete(run, steps);
    return false;
  };

  const complete = async (run: Live, steps: RunStep[]) => {
    const { id } = run.entry;
    log(id, 'INFO', 'Execution completed');
    const trace = undefined;
    await change(id, (entry) => ({ ...entry, steps, trace, status: 'done', finished_at: now() }));
  };

  const pause = async (runId: string) => {
    const run = live.get(runId);
    if (run === undefined) return;
    if (run.begun) {
      await change(runId, (entry) => ({ ...entry, pause_requested: true }), false);
      log(runId, 'INFO', 'Asked to pause before the next step');
      return;
    }
    await change(runId, (entry) => ({ ...entry, status: 'paused' }));
    log(runId, 'INFO', heldText([]));
  };

  const resume = async (runId: string, actor: string) => {
    const run = live.get(runId);
    if (run === undefined) return;
    const at = nextStep(run.entry.steps);
    const passed = at?.kind === 'gate' && at.status === 'running';
    log(runId, 'INFO', passed ? `Continued by ${actor}` : `Resumed by ${actor}`);
    const steps = passed
      ? withOutcome(run.entry.steps, at.id, { result: { continued_by: actor } }, now())
      : run.entry.steps;
    if (nextStep(steps) === undefined) return complete(run, steps);
    await change(runId, (entry) => ({ ...entry, steps, status: 'pending' }));
  };

  const end = (runId: string, ending: Ending, ended?: readonly RunStep[]) => {
    const error = ending.status === 'error' ? errorText(redactor.redact(ending.error)) : null;
    if (error !== null) log(runId, 'ERROR', error);
    else log(runId, 'INFO', 'Run cancelled');
    return change(runId, (entry) => ({
      ...entry,
      status: ending.status,
      finished_at: now(),
      ...{ error, trace: undefined },
      steps: (ended ?? entry.steps).map((step) => settle(step, ending.status, now())),
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
    const { attempt, steps } = run.entry;
    log(runId, 'INFO', attempt === 0 ? 'Execution started' : 'Execution resumed');
    if (target !== null) log(runId, 'INFO', `Provider: ${target.name} (${target.model})`);
    const again = attempt === 0 || steps.some(({ status }) => status === 'running');
    run.since = clock.now();
    const goes = await enter(run, () =>
      onward(
        {
          ...run.entry,
          started_at: run.entry.started_at ?? now(),
          attempt: again ? attempt + 1 : attempt,
        },
        now(),
      ),
    );
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
      await ledger.runs.put(entry);
      try {
        await store.runs.put(run);
      } catch (error) {
        // The caller is told that there is no run: then none may begin, not after a restart either.
        await ledger.runs.remove(run.id);
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
    log,
    async requestCancel(runId) {
      const run = live.get(runId);
      if (run === undefined) return true;
      if (!run.begun) {
        run.begun = true;
        await end(runId, { status: 'cancelled' });
        return true;
      }
      await change(runId, (entry) => ({ ...entry, cancel_requested: true }), false);
      return false;
    },
    end,
    read: view.read,
    glance: view.glance,
    async drained() {
      await Promise.all([...live.values()].map((run) => run.log.written()));
    },
    recover: (settleStep) =>
      recoverRuns({
        ...{ store, ledger, audit: ports.audit, logger, now, end, settle: settleStep },
        async takeUp(entry, mayBegin) {
          const run = freshly(entry, await linesOf(entry.id));
          run.begun = !mayBegin;
          live.set(entry.id, run);
        },
        isLive: (runId) => live.has(runId),
      }),
  };
}

const byAge = (a: string, b: string) =>
  Number(a.split('_')[1]) - Number(b.split('_')[1]) || (a < b ? -1 : 1);

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
