import type { RunListItem } from '../../contract/operations.ts';
import type { RunStep } from '../../contract/records.ts';
import { ageOf, durationOf, oneLine } from '../text.ts';
import { capital, type Row, tooltipOf } from './row.ts';

/** A run, and what it carries out in words: the prompt of its artifact, null if that is gone. */
export interface TitledRun {
  run: RunListItem;
  title: string | null;
}

const runLooks = {
  pending: { id: 'clock', color: 'charts.yellow' },
  running: { id: 'loading~spin', color: 'charts.blue' },
  paused: { id: 'debug-pause', color: 'charts.yellow' },
  done: { id: 'pass-filled', color: 'testing.iconPassed' },
  error: { id: 'error', color: 'list.errorForeground' },
  cancelled: { id: 'circle-slash', color: 'disabledForeground' },
} as const satisfies Record<RunListItem['status'], Row['icon']>;

const stepLooks = {
  waiting: { id: 'circle-large-outline', color: 'disabledForeground' },
  running: runLooks.running,
  done: { id: 'check', color: 'testing.iconPassed' },
  error: runLooks.error,
  skipped: { id: 'debug-step-over', color: 'disabledForeground' },
} as const satisfies Record<RunStep['status'], Row['icon']>;

const kindWords = {
  prompt: 'Ask the model',
  edit: 'Change files',
  command: 'Run a command',
  gate: 'Wait for a person',
} as const satisfies Record<RunStep['kind'], string>;

/** How much of a step's answer its tooltip shows, in characters. */
const shownAnswer = 2000;

export const isLive = (status: RunListItem['status']): boolean =>
  status === 'pending' || status === 'running' || status === 'paused';

/**
 * Turns a run into a row.
 *
 * @param now milliseconds since 1970, from which its age is counted
 */
export function runRow({ run, title }: TitledRun, now: number): Row {
  const { status } = run;
  const age = ageOf(run.created_at, now);
  const label = title === null ? run.id : oneLine(title, 120);
  const took = durationOf(run.started_at, run.finished_at);
  const state = took === null ? status : `${status} in ${took}`;
  return {
    label,
    // The state before the age: in a narrow side bar the end is cut off.
    description: [state, age.short].join(' · '),
    icon: runLooks[status],
    contextValue: `run;${isLive(status) ? 'live' : 'over'};${status};`,
    tooltip: tooltipOf(`**${capital(status)}** (created ${age.long})`, title, [
      ['error', run.error],
      ['id', run.id],
      ['artifact', run.approved_id],
      ['by', run.actor],
      ['created', run.created_at],
      ['started', run.started_at],
      ['ended', run.finished_at],
      ['attempt', run.attempt > 1 ? String(run.attempt) : null],
    ]),
    spoken: [`run ${status}`, label, ...(took === null ? [] : [`took ${took}`]), age.long].join(
      ', ',
    ),
  };
}

/** Turns a step of a run into a row. `number` counts from 1. */
export function stepRow(step: RunStep, number: number): Row {
  const words = kindWords[step.kind];
  const took = durationOf(step.started_at, step.finished_at);
  const state = took === null ? step.status : `${step.status} in ${took}`;
  return {
    label: `${number}. ${words}`,
    description: [state, oneLine(step.id, 40)].join(' · '),
    icon: stepLooks[step.status],
    contextValue: `step;${step.kind};${step.status};`,
    tooltip: tooltipOf(`**${words}**: ${step.status}`, answerOf(step.result), [
      ['step', step.id],
      ['began', step.started_at],
      ['ended', step.finished_at],
    ]),
    spoken: [`step ${number}`, words, state].join(', '),
  };
}

/** The start of what a prompt step answered. */
function answerOf(result: unknown): string | null {
  if (typeof result !== 'object' || result === null || !('text' in result)) return null;
  const { text } = result;
  if (typeof text !== 'string' || text === '') return null;
  const characters = [...text.slice(0, 2 * shownAnswer)];
  return text.length <= shownAnswer ? text : `${characters.slice(0, shownAnswer).join('')}…`;
}
