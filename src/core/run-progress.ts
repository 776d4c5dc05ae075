import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord } from '../contract/records.ts';
import { nextStep } from '../contract/steps.ts';
import type { Artifacts } from './artifacts.ts';
import { type Audit, systemAct } from './audit.ts';
import { type Clock, timestamp } from './clock.ts';
import type { RunEntry } from './ledger-ports.ts';
import type { LiveRun, LiveRuns } from './live-runs.ts';
import type { Store } from './ports.ts';
import type { RunChanges } from './run-changes.ts';
import type { RunEnds } from './run-ends.ts';
import { executable, heldText, onward, withOutcome } from './run-steps.ts';
import type { Settings } from './settings.ts';
import type { ExecutableStep, ModelTarget, StepOutcome } from './work.ts';

export interface RunProgressPorts {
  store: Pick<Store, 'approved'>;
  artifacts: Pick<Artifacts, 'blocked'>;
  settings: Pick<Settings, 'target'>;
  audit: Pick<Audit, 'append'>;
  clock: Clock;
  live: LiveRuns;
  changes: RunChanges;
  ends: Pick<RunEnds, 'complete' | 'end'>;
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

/** How runs begin, and go from step to step. */
export interface RunProgress {
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
}

export function createRunProgress(ports: RunProgressPorts): RunProgress {
  const { store, artifacts, settings, audit, clock, live, changes, ends } = ports;
  const now = () => timestamp(clock);

  /** @returns whether it goes on */
  const enter = async (run: LiveRun, goingOn: () => RunEntry): Promise<boolean> => {
    const { id } = run.entry;
    let told = '';
    await changes.change(id, () => {
      const next = goingOn();
      if (next !== run.entry && next.status === 'paused') told = heldText(next.steps);
      return next;
    });
    if (run.entry.status !== 'paused') return run.entry.status === 'running';
    if (told !== '') live.log(id, 'INFO', told);
    return false;
  };

  /** Enters a run that is to be worked on, unless somebody held it while it was being checked. */
  const enterFirst = (run: LiveRun, target: ModelTarget | null) =>
    enter(run, () => {
      const { id, attempt, steps, status } = run.entry;
      // Whoever held it may have let it go on again.
      run.begun = status !== 'paused';
      if (!run.begun) return run.entry;
      live.log(id, 'INFO', attempt === 0 ? 'Execution started' : 'Execution resumed');
      if (target !== null) live.log(id, 'INFO', `Provider: ${target.name} (${target.model})`);
      const again = attempt === 0 || steps.some((step) => step.status === 'running');
      const started_at = run.entry.started_at ?? now();
      return onward({ ...run.entry, started_at, attempt: again ? attempt + 1 : attempt }, now());
    });

  return {
    async begin(runId) {
      const run = live.get(runId);
      if (run === undefined || run.begun) return null;
      run.begun = true;
      const found = await checked(run.entry, store, artifacts);
      if (GimoError.is(found)) {
        await audit.append(systemAct('beginRun', runId), found.code);
        await ends.end(runId, { status: 'error', error: found.message });
        return null;
      }
      const { provider_resolved: provider } = found;
      const target = provider === null ? null : await settings.target(provider);
      run.since = clock.now();
      if (!(await enterFirst(run, target))) return null;
      const open = new Set(
        run.entry.steps.flatMap(({ id, status }) => (status === 'done' ? [] : id)),
      );
      const steps = executable(found).filter(({ id }) => open.has(id));
      return { runId, target, steps, ranMs: run.entry.ran_ms ?? 0 };
    },
    async stepEnded(runId, stepId, outcome) {
      const run = live.get(runId);
      if (run === undefined) return false;
      const steps = withOutcome(run.entry.steps, stepId, outcome, now());
      if (outcome.error !== undefined) {
        await ends.end(runId, { status: 'error', error: outcome.error }, steps);
        return false;
      }
      if (nextStep(steps) !== undefined)
        return enter(run, () => onward({ ...run.entry, steps, ran_ms: live.ran(run) }, now()));
      await ends.complete(run, steps);
      return false;
    },
  };
}

/** The artifact of a run if it still is what was approved, or why not. */
async function checked(
  entry: RunEntry,
  store: Pick<Store, 'approved'>,
  artifacts: Pick<Artifacts, 'blocked'>,
): Promise<ApprovedRecord | GimoError> {
  const artifact = await store.approved.get(entry.approved_id);
  if (artifact === null)
    return new GimoError('approval_invalid', 'The approved artifact of this run is gone.');
  if (artifact.digest !== entry.digest)
    return new GimoError('approval_invalid', 'The artifact is not the one this run was made from.');
  return artifacts.blocked(artifact, entry) ?? artifact;
}
