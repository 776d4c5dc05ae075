import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, RunRecord, RunStep } from '../contract/records.ts';
import type { RunEntry } from './ports.ts';
import { systemActor } from './principals.ts';
import type { ExecutableStep, StepOutcome } from './work.ts';

/* What becomes of a run and its steps, as functions of what they were. */

const terminal = new Set(['done', 'error', 'cancelled']);
/** Whether a run in this state is over for good. */
export const isTerminal = (status: string): boolean => terminal.has(status);

/** How a run ends that does not come to its last step. */
export type Ending = { status: 'error'; error: string } | { status: 'cancelled' };

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
  return { ...fields, log: [], ...(pausing ? { pause_requested: true } : {}) };
}

/** The first step that has not ended. */
export const nextStep = (steps: readonly RunStep[]): RunStep | undefined =>
  steps.find(({ status }) => status !== 'done');

/** Marks the first step that has not ended as begun (again, after a restart in its middle). */
function beginNext(steps: readonly RunStep[], at: string): RunStep[] {
  const next = nextStep(steps);
  return steps.map((step) =>
    step === next ? { ...step, status: 'running', started_at: at } : step,
  );
}

/**
 * A run that is about to carry out its next step: it is running with that step begun, or paused, if the step is a gate
 * (which is begun too: it waits) or somebody asked for it.
 */
export function onward(entry: RunEntry, at: string): RunEntry {
  const { pause_requested: pausing = false, ...rest } = entry;
  const isGate = nextStep(entry.steps)?.kind === 'gate';
  const steps = isGate || !pausing ? beginNext(entry.steps, at) : entry.steps;
  return { ...rest, steps, status: isGate || pausing ? 'paused' : 'running', trace: undefined };
}

/** What the log says of a run that has been held before one of these steps. */
export function heldText(steps: readonly RunStep[]): string {
  const next = nextStep(steps);
  return next?.kind === 'gate'
    ? `Paused at the gate "${next.title ?? next.id}"`
    : 'Paused as asked';
}

/** A step of a run that is over: what had not begun is skipped, what had begun has not been completed. */
export function settle(step: RunStep, ending: Ending['status'], at: string): RunStep {
  if (step.status === 'waiting') return { ...step, status: 'skipped' };
  if (step.status === 'running')
    return { ...step, status: ending === 'cancelled' ? 'skipped' : 'error', finished_at: at };
  return step;
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
