import { GimoError } from '../contract/errors.ts';
import type { RunRecord } from '../contract/records.ts';
import { nextStep } from '../contract/steps.ts';
import type { Asking } from './asking.ts';
import type { Handlers } from './handlers.ts';
import { within } from './patience.ts';
import { isTerminal } from './run-steps.ts';
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

/** The lock under which whatever happens to one run happens, but for a cancel. */
export const runLock = ({ run_id }: { run_id: string }): string => `run:${run_id}`;
const conflict = (message: string) => new GimoError('conflict_state', message);

export const runControl = (ports: ControlPorts): RunControl => ({
  cancelRun: cancelHandler(ports),
  pauseRun: pauseHandler(ports),
  resumeRun: resumeHandler(ports),
  undoRun: undoHandler(ports),
});

const cancelHandler = ({ book, worker, read }: ControlPorts): RunControl['cancelRun'] => ({
  // Not the lock of the others: what holds it may be waiting for a disk, and a brake waits for brakes alone.
  lock: ({ run_id }) => `cancel:${run_id}`,
  async prepare({ run_id }) {
    const run = await read(run_id);
    if (isTerminal(run.status)) throw over(run, 'cancel');
    const effect = async () => {
      const stopped = worker.halt(run_id);
      const asked = book.requestCancel(run_id);
      const written = asked.then(async (wasWaiting) => {
        // Usually over by now. Not if the disk refused its end: then nobody works on it, and nobody else ends it.
        if (wasWaiting) return;
        await stopped;
        await book.end(run_id, { status: 'cancelled' });
      });
      // The answer may show a run that is still stopping.
      await within(cancelPatience, written);
      return { body: await read(run_id), changes: [] };
    };
    return { target: run_id, effect };
  },
});

const pauseHandler = ({ book, read }: ControlPorts): RunControl['pauseRun'] => ({
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
});

const resumeHandler = ({ book, worker, asking, read }: ControlPorts): RunControl['resumeRun'] => ({
  lock: runLock,
  async prepare({ run_id, step }, call) {
    const run = await read(run_id);
    if (isTerminal(run.status)) throw over(run, 'resume');
    const at = nextStep(run.steps)?.id;
    // Whoever says so twice, or late, has not seen the gate that it waits at by now.
    if (step !== undefined && step !== at) throw elsewhere(at);
    if (run.status !== 'paused' && run.pause_requested !== true)
      throw conflict(`This run is not paused (state: ${run.status}), so it goes on anyway.`);
    const { actor } = call.principal;
    if (run.status === 'paused' && passesGate(run) && asking.needsEditor(call, run.steps))
      return asking.ask(run_id, { about: 'resume', run, actor });
    const effect = async () => {
      await book.resume(run_id, actor, at);
      worker.wake();
      return { body: await read(run_id), changes: [] };
    };
    return { target: run_id, effect };
  },
});

const undoHandler = ({ workspace, read }: ControlPorts): RunControl['undoRun'] => ({
  lock: runLock,
  async prepare({ run_id }) {
    const run = await read(run_id);
    if (!isTerminal(run.status))
      throw conflict('This run is not over yet. Cancel it, or wait for its end; then undo it.');
    if (run.steps.every(({ kind }) => kind !== 'edit'))
      throw conflict('This run has no edit steps, so there is nothing that GIMO could put back.');
    if (run.undone_at !== undefined)
      throw conflict('This run was undone already, so nothing of it is left to be put back.');
    const effect = async () => ({
      body: await workspace.undo(run_id),
      changes: [{ type: 'run', id: run_id } as const],
    });
    return { target: run_id, effect };
  },
});

const passesGate = ({ steps }: RunRecord) => nextStep(steps)?.kind === 'gate';

const elsewhere = (at: string | undefined) =>
  new GimoError(
    'stale',
    `The run is not at this step any more${at === undefined ? '' : `; it is at "${at}"`}. Look at what comes next, then say again whether it may go on.`,
  );

const over = (run: RunRecord, what: string) =>
  conflict(`This run is already over (state: ${run.status}), so there is nothing to ${what}.`);
