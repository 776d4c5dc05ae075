import { GimoError } from '../contract/errors.ts';
import type { RunRecord } from '../contract/records.ts';
import type { Asking } from './asking.ts';
import type { Handlers } from './handlers.ts';
import { isTerminal, nextStep } from './run-steps.ts';
import type { RunBook } from './runbook.ts';
import type { Worker, Workspace } from './work.ts';

/* What a person does to a run that there is: stop it, hold it, let it go on, take back what it did. */

export type RunControl = Pick<Handlers, 'cancelRun' | 'pauseRun' | 'resumeRun' | 'undoRun'>;

interface ControlPorts {
  book: RunBook;
  worker: Worker;
  asking: Asking;
  workspace: Pick<Workspace, 'undo'>;
  /** @throws GimoError `not_found` */
  read(runId: string): Promise<RunRecord>;
}

/** How long a cancel waits for the work to stop before it answers, in milliseconds; the run ends all the same. */
const cancelPatience = 5_000;

const runLock = ({ run_id }: { run_id: string }) => `run:${run_id}`;
const conflict = (message: string) => new GimoError('conflict_state', message);

export function runControl(ports: ControlPorts): RunControl {
  const { book, worker, asking, workspace, read } = ports;
  return {
    cancelRun: {
      lock: runLock,
      async prepare({ run_id }) {
        const run = await read(run_id);
        if (isTerminal(run.status)) throw over(run, 'cancel');
        const effect = async () => {
          const stopped = worker.halt(run_id);
          const wasWaiting = await book.requestCancel(run_id);
          // Usually over by now. Not if the disk refused its end: then nobody works on it, and nobody else ends it.
          if (!wasWaiting && (await withPatience(stopped)))
            await book.end(run_id, { status: 'cancelled' });
          return { body: await read(run_id), changes: [] };
        };
        return { target: run_id, effect };
      },
    },
    pauseRun: {
      lock: runLock,
      async prepare({ run_id }) {
        const run = await read(run_id);
        if (isTerminal(run.status)) throw over(run, 'pause');
        if (run.status === 'paused') throw conflict('This run is paused already.');
        const effect = async () => {
          await book.pause(run_id);
          return { body: await read(run_id), changes: [] };
        };
        return { target: run_id, effect };
      },
    },
    resumeRun: {
      lock: runLock,
      async prepare({ run_id }, call) {
        const run = await read(run_id);
        if (isTerminal(run.status)) throw over(run, 'resume');
        if (run.status !== 'paused')
          throw conflict(`This run is not paused (state: ${run.status}), so it goes on anyway.`);
        const { actor } = call.principal;
        if (passesGate(run) && asking.needsEditor(call, run.steps))
          return asking.ask(run_id, { about: 'resume', run, actor });
        const effect = async () => {
          await book.resume(run_id, actor);
          worker.wake();
          return { body: await read(run_id), changes: [] };
        };
        return { target: run_id, effect };
      },
    },
    undoRun: {
      lock: runLock,
      async prepare({ run_id }) {
        const run = await read(run_id);
        if (!isTerminal(run.status))
          throw conflict('This run is not over yet. Cancel it, or wait for its end; then undo it.');
        if (run.steps.every(({ kind }) => kind !== 'edit'))
          throw conflict(
            'This run has no edit steps, so there is nothing that GIMO could put back.',
          );
        const effect = async () => ({
          body: await workspace.undo(run_id),
          changes: [{ type: 'run', id: run_id } as const],
        });
        return { target: run_id, effect };
      },
    },
  };
}

const passesGate = ({ steps }: RunRecord) => nextStep(steps)?.kind === 'gate';

const over = (run: RunRecord, what: string) =>
  conflict(`This run is already over (state: ${run.status}), so there is nothing to ${what}.`);

/**
 * Waits for the work to stop, but not for ever: the answer then shows a run that is still stopping.
 * @returns whether it has stopped
 */
async function withPatience(stopped: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), cancelPatience);
  });
  const over = await Promise.race([stopped.then(() => true), enough]);
  clearTimeout(timer);
  return over;
}
