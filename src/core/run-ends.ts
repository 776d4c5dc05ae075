import { GimoError } from '../contract/errors.ts';
import type { RunStep } from '../contract/records.ts';
import { type Clock, timestamp } from './clock.ts';
import type { LiveRun, LiveRuns } from './live-runs.ts';
import type { Logger } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { RunChanges } from './run-changes.ts';
import { type Ending, errorText, settle } from './run-steps.ts';

export interface RunEndPorts {
  live: LiveRuns;
  changes: RunChanges;
  redactor: Pick<Redactor, 'redact'>;
  clock: Clock;
  logger: Logger;
}

/** How runs come to their end. An end that the disk refuses is written as soon as it takes it; no other takes its place. */
export interface RunEnds {
  /** The last step is done, and the run with it. */
  complete(run: LiveRun, steps: RunStep[]): Promise<void>;
  /**
   * Ends a run otherwise. If the disk refuses that, it throws, and goes on trying.
   * @param ended the steps as they are by then; as the entry tells them if left out
   */
  end(runId: string, ending: Ending, ended?: readonly RunStep[]): Promise<void>;
  /**
   * What is to end goes nowhere else: its end is tried again here and now.
   * @throws GimoError `conflict_state` if it is written now, and what the disk says if it is not
   */
  requireGoing(run: LiveRun): Promise<void>;
}

export function createRunEnds(ports: RunEndPorts): RunEnds {
  const { live, changes, redactor, clock, logger } = ports;
  const now = () => timestamp(clock);
  return {
    async complete(run, steps) {
      const { id } = run.entry;
      live.log(id, 'INFO', 'Execution completed');
      const done = { steps, trace: undefined, status: 'done' as const };
      const write = () =>
        changes.change(id, (entry) => ({ ...entry, ...done, finished_at: now() }));
      try {
        await write();
      } catch (error) {
        // All of it was done: a disk that is full now must not make a failure of it.
        if (!GimoError.is(error, 'storage_full') && !GimoError.is(error, 'storage_error'))
          throw error;
        logger.log('error', `the end of ${id} could not be written: ${error.message}`);
        changes.insist(run, write, error);
      }
    },
    async end(runId, ending, ended) {
      const kept = live.get(runId)?.ending;
      if (kept !== undefined) return kept();
      const error = ending.error === undefined ? null : errorText(redactor.redact(ending.error));
      if (error !== null) live.log(runId, ending.status === 'error' ? 'ERROR' : 'WARNING', error);
      if (ending.status === 'cancelled') live.log(runId, 'INFO', 'Run cancelled');
      const write = () =>
        changes.change(runId, (entry) => ({
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
        if (run !== undefined) changes.insist(run, write, failure);
        throw failure;
      }
    },
    async requireGoing(run) {
      if (run.ending === undefined) return;
      await run.ending();
      throw new GimoError(
        'conflict_state',
        'This run is over: its end, which the disk had refused, is written now.',
      );
    },
  };
}
