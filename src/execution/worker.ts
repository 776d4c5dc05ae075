import { GimoError } from '../contract/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Job } from '../core/run-progress.ts';
import type { RunBook } from '../core/runbook.ts';
import type { ExecutableStep, Executor, Worker } from '../core/work.ts';

export interface WorkerPorts {
  book: RunBook;
  executors: readonly Executor[];
  /** Asked anew for each run. `runTimeout` is in seconds. */
  limits: () => { concurrent: number; runTimeout: number };
  logger: Logger;
}

/** Why a run's work was aborted. */
class Halt extends Error {
  readonly why: 'cancel' | 'timeout' | 'shutdown';
  constructor(why: Halt['why']) {
    super(`halted: ${why}`);
    this.why = why;
  }
}

/** Why a run does not go on, and what became of the step that was under way, in sentences; null if there is nothing to tell. */
class Broken extends Error {
  readonly became: string | null;
  constructor(cause: unknown, became: string | null) {
    super('the step did not come to its end', { cause });
    this.became = became;
  }
}

interface Active {
  controller: AbortController;
  over: Promise<void>;
}

/**
 * Carries out runs in this process: oldest first, at most `concurrent` at a time, each the moment a slot is free.
 * There is no polling: whoever makes a run, and whoever ends one, wakes the worker.
 */
export function createWorker(ports: WorkerPorts): Worker & { stop(): Promise<void> } {
  const { book, limits, logger } = ports;
  const executors = new Map(ports.executors.map((executor) => [executor.kind, executor]));
  const active = new Map<string, Active>();
  let stopping = false;

  const wake = () => {
    const { concurrent } = limits();
    for (const runId of book.waiting()) {
      if (stopping || active.size >= concurrent) return;
      // One that was just let go on may still be leaving its slot; it is looked at again then.
      if (active.has(runId)) continue;
      const controller = new AbortController();
      const over = carryOut(runId, controller).finally(() => {
        active.delete(runId);
        wake();
      });
      active.set(runId, { controller, over });
    }
  };

  const carryOut = async (runId: string, controller: AbortController) => {
    const { runTimeout } = limits();
    let timer: NodeJS.Timeout | undefined;
    try {
      const job = await book.begin(runId);
      if (job === null) return;
      const left = Math.max(0, runTimeout * 1000 - job.ranMs);
      timer = setTimeout(() => controller.abort(new Halt('timeout')), left);
      await runSteps(job, controller.signal);
    } catch (error) {
      await conclude(runId, controller.signal, error, runTimeout);
    } finally {
      clearTimeout(timer);
    }
  };

  const runSteps = async (job: Job, signal: AbortSignal) => {
    for (const step of job.steps) {
      if (isShutdown(signal)) await book.putOff(job.runId);
      signal.throwIfAborted();
      if (!(await carryOutStep(job, step, signal))) return;
    }
  };

  /** @returns whether the next step is to be carried out */
  const carryOutStep = async (job: Job, step: ExecutableStep, signal: AbortSignal) => {
    const executor = executors.get(step.kind);
    if (executor === undefined)
      throw new GimoError('step_unsupported', `Steps of kind "${step.kind}" cannot be run yet.`);
    const { runId, target } = job;
    let isOver = false;
    try {
      const outcome = await executor.execute(step, {
        ...{ runId, target, signal },
        log: (level, msg) => book.log(runId, level, msg, step.id),
        note: (trace) => book.note(runId, trace),
      });
      isOver = true;
      // A result that comes after the stop is late: it changes nothing.
      signal.throwIfAborted();
      return await book.stepEnded(runId, step.id, outcome);
    } catch (error) {
      if (isShutdown(signal)) throw error;
      // Who was stopped, or refuses, has tidied up. What was done and cannot be noted does not count, as after a crash.
      const isTidy = !isOver && (error === signal.reason || GimoError.is(error));
      throw new Broken(error, isTidy ? null : await becameOf(executor, runId, step));
    }
  };

  const becameOf = async (executor: Executor, runId: string, { id }: ExecutableStep) => {
    try {
      return (await executor.settle?.(runId, id, book.entry(runId)?.trace)) ?? null;
    } catch (error) {
      logger.log('error', `step "${id}" of ${runId} could not be settled: ${String(error)}`);
      return unclear;
    }
  };

  /** Settles a run whose work did not come to its end. On a shutdown it stays as it is, for the next start. */
  const conclude = async (runId: string, signal: AbortSignal, thrown: unknown, timeout: number) => {
    const halt = signal.reason instanceof Halt ? signal.reason.why : null;
    const [error, became] =
      thrown instanceof Broken ? [thrown.cause, thrown.became] : [thrown, null];
    if (halt === 'shutdown') {
      if (error !== signal.reason) logger.log('warn', `${runId} was stopped: ${String(error)}`);
      return;
    }
    // Who was stopped may have something to tell of it.
    const left = halt !== null && GimoError.is(error) && error.cause === signal.reason;
    const more = [left ? error.message : null, became].filter((text) => text !== null).join(' ');
    try {
      if (halt === 'cancel')
        await book.end(runId, { status: 'cancelled', ...(more === '' ? {} : { error: more }) });
      else {
        const why = [told(error, halt, timeout), more].filter((text) => text !== '').join(' ');
        await book.end(runId, { status: 'error', error: why });
      }
    } catch (failure) {
      // The book goes on trying; if it does not come to it, the next start settles the run.
      logger.log('error', `the end of ${runId} could not be written: ${String(failure)}`);
    }
    if (halt === null && !GimoError.is(error))
      logger.log(
        'error',
        `${runId} failed: ${error instanceof Error ? error.stack : String(error)}`,
      );
  };

  return {
    wake,
    async halt(runId) {
      const run = active.get(runId);
      run?.controller.abort(new Halt('cancel'));
      await run?.over;
    },
    async settle(runId, { id, kind }, trace) {
      const became = await executors.get(kind)?.settle?.(runId, id, trace);
      return became ?? unclear;
    },
    async stop() {
      stopping = true;
      for (const run of active.values()) run.controller.abort(new Halt('shutdown'));
      await Promise.all([...active.values()].map((run) => run.over));
      await book.drained();
    },
  };
}

const unclear = 'It may or may not have happened; look before you run it again.';

const isShutdown = ({ reason }: AbortSignal) => reason instanceof Halt && reason.why === 'shutdown';

function told(error: unknown, halt: 'timeout' | 'cancel' | null, timeout: number): string {
  if (halt === 'timeout')
    return `The run took longer than ${timeout} seconds and was stopped. Raise run_timeout_s if it needs more time.`;
  if (GimoError.is(error)) return error.message;
  return 'The run failed because of an error inside GIMO. The log tells more.';
}
