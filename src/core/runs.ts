import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, RunRecord, RunStep } from '../contract/records.ts';
import type { Approvals, RunMaker } from './approvals.ts';
import type { Audit } from './audit.ts';
import type { Events } from './events.ts';
import type { Call, Handlers, ReadHandler } from './handlers.ts';
import { type Ids, requireId, unknownId } from './ids.ts';
import { listPage } from './lists.ts';
import type { Clock, Store, Worker } from './ports.ts';
import { executable, fileOf, isTerminal } from './run-steps.ts';
import type { RunBook } from './runbook.ts';

export interface RunPorts {
  store: Pick<Store, 'runs'>;
  approvals: Approvals;
  book: RunBook;
  worker: Worker;
  audit: Audit;
  events: Events;
  clock: Clock;
  ids: Ids;
}

/** How long a cancel waits for the work to stop before it answers, in milliseconds; the run ends all the same. */
const cancelPatience = 5_000;

export interface Runs extends RunMaker {
  handlers: Pick<Handlers, 'listRuns' | 'getRun' | 'getRunLog' | 'createRun' | 'cancelRun'>;
}

export function createRuns(ports: RunPorts): Runs {
  const { store, approvals, book, worker, audit, events, clock, ids } = ports;

  const read = async (id: string): Promise<RunRecord> => {
    requireId('run', id);
    const run = await store.runs.get(id);
    if (run !== null) return book.read(run);
    // Somebody may have deleted the file of a run that goes on all the same.
    const entry = book.entry(id);
    if (entry === undefined) throw unknownId('run');
    return book.read(fileOf(entry));
  };

  /** What a file says may have brought it into a list that its run does not belong to. */
  const list: ReadHandler<'listRuns'>['read'] = async (input) => {
    const show = input.view === 'full' ? book.read : book.glance;
    const { body, page } = await listPage('run', store.runs, input, show, summary);
    const { status } = input;
    return { body: body.filter((run) => status?.includes(run.status) !== false), page };
  };

  const compose = (artifact: ApprovedRecord, call: Call, id: string): RunRecord => ({
    id,
    approved_id: artifact.id,
    status: 'pending',
    log: [],
    started_at: null,
    created_at: new Date(clock.now()).toISOString(),
    finished_at: null,
    error: null,
    steps: executable(artifact).map(waitingStep),
    actor: call.principal.actor,
    attempt: 0,
  });

  const recall = async ([id = '']: readonly string[]) => {
    const run = await store.runs.get(id);
    return run === null ? null : book.read(run);
  };

  const add = async (run: RunRecord, artifact: ApprovedRecord) => {
    await book.add(run, artifact.digest ?? '');
    worker.wake();
    return run;
  };

  return {
    recall,
    async make(artifact, call, id) {
      const why = approvals.blocked(artifact);
      if (why !== null) throw why;
      const run = compose(artifact, call, id);
      const act = {
        correlationId: call.correlationId,
        actor: call.principal.actor,
        ...{ operation: 'createRun', target: artifact.id, request: null },
      };
      const made = await audit.around(act, () => add(run, artifact));
      events.publish({ type: 'run', id: run.id });
      return made;
    },
    handlers: {
      listRuns: { read: list },
      getRun: { read: async ({ run_id }) => ({ body: await read(run_id) }) },
      getRunLog: {
        async read({ run_id, after }) {
          const run = await read(run_id);
          const done = isTerminal(run.status);
          return { body: { entries: run.log.slice(after), next: run.log.length, done } };
        },
      },
      createRun: {
        async prepare({ approved_id }, call) {
          const artifact = await approvals.read(approved_id);
          const why = approvals.blocked(artifact);
          if (why !== null) throw why;
          const run = compose(artifact, call, ids.run());
          return {
            target: artifact.id,
            makes: [run.id],
            effect: async () => ({
              body: await add(run, artifact),
              changes: [{ type: 'run', id: run.id }],
            }),
          };
        },
        recall,
      },
      cancelRun: {
        lock: ({ run_id }) => `run:${run_id}`,
        async prepare({ run_id }) {
          const run = await read(run_id);
          if (isTerminal(run.status))
            throw new GimoError(
              'conflict_state',
              `This run is already over (state: ${run.status}), so there is nothing to cancel.`,
            );
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
    },
  };
}

const waitingStep = ({ id, kind }: Pick<RunStep, 'id' | 'kind'>): RunStep => ({
  ...{ id, kind, status: 'waiting' },
  ...{ started_at: null, finished_at: null, result: null },
});

const summary = ({ steps: _steps, log: _log, ...rest }: RunRecord) => rest;

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
