import { GimoError } from '../contract/errors.ts';
import { nextStep } from '../contract/steps.ts';
import { type Clock, timestamp } from './clock.ts';
import type { RunEntry } from './ledger-ports.ts';
import type { LiveRuns } from './live-runs.ts';
import type { RunChanges } from './run-changes.ts';
import type { RunEnds } from './run-ends.ts';
import { heldText, isTerminal, putOff, resumed } from './run-steps.ts';

export interface RunHoldPorts {
  live: LiveRuns;
  changes: RunChanges;
  ends: Pick<RunEnds, 'requireGoing'>;
  clock: Clock;
}

/** How runs are held, and let go on. */
export interface RunHolds {
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
}

export function createRunHolds(ports: RunHoldPorts): RunHolds {
  const { live, changes, ends, clock } = ports;
  return {
    async pause(runId) {
      const run = live.get(runId);
      if (run === undefined) return;
      await ends.requireGoing(run);
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
      await changes.change(runId, hold, { afterLines: false });
      if (told !== '') live.log(runId, 'INFO', told);
    },
    async resume(runId, actor, step = nextStep(live.get(runId)?.entry.steps ?? [])?.id) {
      const run = live.get(runId);
      if (run === undefined) return;
      await ends.requireGoing(run);
      let told = '';
      const goOn = (entry: RunEntry): RunEntry => {
        if (nextStep(entry.steps)?.id !== step) throw elsewhere();
        const next = resumed(entry, actor, timestamp(clock));
        told = next.told;
        // All of it was done with that gate: these lines belong to what is being written.
        if (isTerminal(next.entry.status)) {
          live.log(runId, 'INFO', told);
          live.log(runId, 'INFO', 'Execution completed');
        }
        return next.entry;
      };
      await changes.change(runId, goOn);
      // Said only once it is so: a line cannot be taken back. (After the end it is not said again.)
      if (told !== '') live.log(runId, 'INFO', told);
    },
    async putOff(runId) {
      const run = live.get(runId);
      if (run === undefined) return;
      const wait = (entry: RunEntry): RunEntry =>
        entry.status === 'running'
          ? { ...entry, status: 'pending', steps: putOff(entry.steps), ran_ms: live.ran(run) }
          : entry;
      await changes.change(runId, wait, { afterLines: false });
    },
  };
}

const elsewhere = () =>
  new GimoError(
    'stale',
    'The run is not at this step any more, so it was not let go on. Look where it is, then try again.',
  );
