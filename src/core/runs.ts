import { hasEffects } from '../contract/digest.ts';
import type { ApprovedRecord, RunRecord, RunStep } from '../contract/records.ts';
import type { Artifacts } from './artifacts.ts';
import type { Asking } from './asking.ts';
import type { Audit } from './audit.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Consumption } from './consumption.ts';
import type { Events } from './events.ts';
import type { Call, Handlers, ReadHandler } from './handlers.ts';
import { type Ids, requireId, unknownId } from './ids.ts';
import { listPage } from './lists.ts';
import type { Logger, Store } from './ports.ts';
import { type RunControl, runControl } from './run-control.ts';
import { executable, isTerminal } from './run-steps.ts';
import type { RunBook } from './runbook.ts';
import type { ExecutableStep, Worker, Workspace } from './work.ts';

export interface RunPorts {
  store: Pick<Store, 'runs' | 'approved'>;
  artifacts: Artifacts;
  consumption: Consumption;
  asking: Asking;
  workspace: Pick<Workspace, 'undo'>;
  book: RunBook;
  worker: Worker;
  audit: Audit;
  events: Events;
  clock: Clock;
  ids: Ids;
  logger: Logger;
}

export interface Runs {
  /**
   * Makes a run of an approved artifact, for `auto_run`.
   * @param id the run's; it is made beforehand, so that it can be noted before anything happens
   */
  make(artifact: ApprovedRecord, call: Call, id: string): Promise<RunRecord>;
  /** The run that a repeated call has made, as it is now, or null if it is gone. */
  recall(records: readonly string[]): Promise<RunRecord | null>;
  handlers: Pick<Handlers, 'listRuns' | 'getRun' | 'getRunLog' | 'createRun'> & RunControl;
}

export function createRuns(ports: RunPorts): Runs {
  const { store, artifacts, consumption, book, worker, audit, events, clock, ids, logger } = ports;

  const read = async (id: string): Promise<RunRecord> => {
    requireId('run', id);
    const run = await book.find(id);
    if (run === null) throw unknownId('run');
    return run;
  };

  /** What a file says may have brought it into a list that its run does not belong to. */
  const list: ReadHandler<'listRuns'>['read'] = async (input) => {
    const show = input.view === 'full' ? book.read : book.glance;
    const found = await listPage('run', store.runs, input, show, summary);
    const wanted = ({ status }: Pick<RunRecord, 'status'>) =>
      input.status?.includes(status) ?? true;
    return { ...found, body: found.body.filter(wanted) };
  };

  const compose = (artifact: ApprovedRecord, call: Call, id: string): RunRecord => ({
    id,
    approved_id: artifact.id,
    status: 'pending',
    log: [],
    started_at: null,
    created_at: timestamp(clock),
    finished_at: null,
    error: null,
    steps: executable(artifact).map(waitingStep),
    actor: call.principal.actor,
    attempt: 0,
  });

  const recall = ([id = '']: readonly string[]) => book.find(id);

  const add = async (run: RunRecord, artifact: ApprovedRecord) => {
    await consumption.spend(artifact, run.id, () => book.add(run, artifact.digest ?? ''));
    worker.wake();
    if (hasEffects(artifact.steps)) await tellSpent(artifact, run.id);
    return run;
  };
  /** The ledger knows it; the artifact's file only tells it to whoever reads there. */
  const tellSpent = async (artifact: ApprovedRecord, consumed_by: string) => {
    try {
      await store.approved.put({ ...artifact, consumed_by });
    } catch (error) {
      logger.log('warn', `the file of ${artifact.id} does not tell its run: ${String(error)}`);
    }
    events.publish({ type: 'approved', id: artifact.id });
  };

  return {
    recall,
    async make(artifact, call, id) {
      const why = artifacts.blocked(artifact);
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
          const artifact = await artifacts.read(approved_id);
          const why = artifacts.blocked(artifact);
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
      ...runControl({ ...ports, read }),
    },
  };
}

const waitingStep = ({ id, kind, title }: ExecutableStep): RunStep => ({
  ...{ id, kind, status: 'waiting', ...(title === undefined ? {} : { title }) },
  ...{ started_at: null, finished_at: null, result: null },
});

const summary = ({ steps: _steps, log: _log, ...rest }: RunRecord) => rest;
