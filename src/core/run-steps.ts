import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, RunRecord, RunStep } from '../contract/records.ts';
import { nextStep } from '../contract/steps.ts';
import type { RunEntry } from './ledger-ports.ts';
import { systemActor } from './principals.ts';
import type { ExecutableStep, StepOutcome } from './work.ts';

/* What becomes of a run and its steps, as functions of what they were. */

const terminal = new Set(['done', 'error', 'cancelled']);
/** Whether a run in this state is over for good. */
export const isTerminal = (status: string): boolean => terminal.has(status);

/** How a run ends that does not come to its last step. A cancelled one may leave something that has to be told. */
export type Ending = { status: 'error'; error: string } | { status: 'cancelled'; error?: string };

/** The ledger's entry of a run that is about to be taken up. */
export function entryOf(run: RunRecord, digest: string): RunEntry {
  const { id, approved_id, status, steps, created_at, started_at, finished_at, error } = run;
  return {
    ...{ id, approved_id, digest, status, steps, created_at, started_at, finished_at, error },
    actor: run.actor ?? systemActor,
    attempt: run.attempt,
    cancel_requested: false,
  };
}

/** The run as its file tells it while it is live: the log stands beside it. */
export function fileOf(entry: RunEntry): RunRecord {
  const { digest: _digest, cancel_requested: _cancel, log: _mark, ...told } = entry;
  const { trace: _trace, ran_ms: _ran, pause_requested: pausing, ...fields } = told;
  // Named also where there is none, so that nothing else that a file says of it is believed.
  const { undone_at } = entry;
  return { ...fields, undone_at, log: [], ...(pausing ? { pause_requested: true } : {}) };
}

/** Marks the first step that has not ended as begun (again, after a restart in its middle). */
function beginNext(steps: readonly RunStep[], at: string): RunStep[] {
  const next = nextStep(steps);
  return steps.map((step) =>
    step === next ? { ...step, status: 'running', started_at: at } : step,
  );
}

/** The step that is marked as begun waits again: nothing of it was done. */
export const putOff = (steps: readonly RunStep[]): RunStep[] =>
  steps.map((step) =>
    step.status === 'running' ? { ...step, status: 'waiting', started_at: null } : step,
  );

/**
 * A run that is about to carry out its next step: it is running with that step begun, or paused, if the step is a gate
 * (which is begun too: it waits) or somebody asked for it, or has paused it meanwhile.
 */
export function onward(entry: RunEntry, at: string): RunEntry {
  const { pause_requested: asked = false, ...rest } = entry;
  const pausing = asked || entry.status === 'paused';
  const isGate = nextStep(entry.steps)?.kind === 'gate';
  const steps = isGate || !pausing ? beginNext(entry.steps, at) : entry.steps;
  return { ...rest, steps, status: isGate || pausing ? 'paused' : 'running', trace: undefined };
}

/**
 * A run that somebody lets go on: past the gate that it waits at, which may be its end; or on, if it was to pause before
 * its next step.
 *
 * @returns the same entry, and nothing to tell, if it is not held
 */
export function resumed(
  entry: RunEntry,
  actor: string,
  at: string,
): { entry: RunEntry; told: string } {
  const { pause_requested: pausing, ...rest } = entry;
  if (entry.status !== 'paused')
    return pausing
      ? { entry: rest, told: `The pause was taken back by ${actor}` }
      : { entry, told: '' };
  const held = nextStep(entry.steps);
  if (held?.kind !== 'gate' || held.status !== 'running')
    return { entry: { ...entry, status: 'pending' }, told: `Resumed by ${actor}` };
  const steps = withOutcome(entry.steps, held.id, { result: { continued_by: actor } }, at);
  const told = `Continued by ${actor}`;
  if (nextStep(steps) !== undefined) return { entry: { ...entry, steps, status: 'pending' }, told };
  return {
    entry: { ...entry, steps, trace: undefined, status: 'done', finished_at: at },
    told,
  };
}

/** What the log says of a run that has been held before one of these steps. */
export function heldText(steps: readonly RunStep[]): string {
  const next = nextStep(steps);
  return next?.kind === 'gate'
    ? `Paused at the gate "${next.title ?? next.id}"`
    : 'Paused as asked';
}

/**
 * A step of a run that is over: what had not begun is skipped; what had begun may have done something, so it never counts
 * as skipped. A gate does nothing: one that nobody has let the run pass is skipped when the run is cancelled there.
 */
export function settle(step: RunStep, ending: Ending['status'], at: string): RunStep {
  if (step.status !== 'waiting' && step.status !== 'running') return step;
  if (step.status === 'waiting' && step.started_at === null) return { ...step, status: 'skipped' };
  const stopped = step.kind === 'gate' && ending === 'cancelled';
  return { ...step, status: stopped ? 'skipped' : 'error', finished_at: at };
}

/** The most that the results of a run's steps hold together, in bytes of JSON: they have to fit into one record. */
export const mostResultBytes = 16 * 2 ** 20;

/** Keeps how a step ended. @throws GimoError `payload_too_large` if there is no room for its result */
export function withOutcome(
  steps: readonly RunStep[],
  stepId: string,
  { result, error }: StepOutcome,
  at: string,
): RunStep[] {
  const status = error === undefined ? ('done' as const) : ('error' as const);
  const next = steps.map((step) =>
    step.id === stepId ? { ...step, status, result, finished_at: at } : step,
  );
  const bytes = next.reduce((sum, step) => sum + bytesOf(step.result), 0);
  if (bytes <= mostResultBytes) return next;
  throw new GimoError(
    'payload_too_large',
    `The result of step "${stepId}" is too large to be kept: the steps of a run may leave ${mostResultBytes / 2 ** 20} MiB together. Ask for less, or spread the work over several runs.`,
  );
}

// As it stands in the record.
const bytesOf = (result: unknown) => Buffer.byteLength(JSON.stringify(result, null, 2) ?? '');

/** The most that is kept of an error's text, in characters. */
const mostError = 8192;
/** An error as a record keeps it. */
export const errorText = (text: string): string =>
  (text.length > mostError ? `${text.slice(0, mostError)} ... (cut)` : text).toWellFormed();

/**
 * The steps of an artifact as they are carried out. Without steps it is one prompt step, with the text that the design
 * gives it (DESIGN, section 5).
 */
export function executable(
  artifact: Pick<ApprovedRecord, 'prompt' | 'content' | 'steps'>,
): ExecutableStep[] {
  if (artifact.steps === null) {
    const text = [
      'Execute the following approved operation:',
      '--- PROMPT ---',
      artifact.prompt,
      '--- CONTENT ---',
      artifact.content,
      'Provide the execution result.',
    ].join('\n\n');
    return [{ id: 'prompt', kind: 'prompt', text }];
  }
  return artifact.steps;
}
