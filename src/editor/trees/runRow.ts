import type { RunStep } from '../../contract/records.ts';
import type { RunListItem } from '../../contract/rows/runs.ts';
import { isWaitingGate } from '../../contract/steps.ts';
import { answerOf, continuedBy, editedFiles, exitOf } from '../stepResults.ts';
import { kindWords, titleOf } from '../steps.ts';
import { ageOf, countedSome, durationOf, oneLine } from '../text.ts';
import { capital, type Row, tooltipOf } from './row.ts';

/** A run, and what it carries out in words: the prompt of its artifact, null if that is gone. */
export interface TitledRun {
  run: RunListItem;
  title: string | null;
  /** Whether it is over and has changed files, which can be put back; false if left out. */
  undoable?: boolean;
}

const runLooks = {
  pending: { id: 'clock', color: 'charts.yellow' },
  running: { id: 'loading~spin', color: 'charts.blue' },
  paused: { id: 'debug-pause', color: 'charts.yellow' },
  done: { id: 'pass-filled', color: 'testing.iconPassed' },
  error: { id: 'error', color: 'list.errorForeground' },
  cancelled: { id: 'circle-slash', color: 'disabledForeground' },
} as const satisfies Record<RunListItem['status'], Row['icon']>;
const undoneLook = { id: 'discard', color: 'disabledForeground' } as const;

const stepLooks = {
  waiting: { id: 'circle-large-outline', color: 'disabledForeground' },
  running: runLooks.running,
  done: { id: 'check', color: 'testing.iconPassed' },
  error: runLooks.error,
  skipped: { id: 'debug-step-over', color: 'disabledForeground' },
} as const satisfies Record<RunStep['status'], Row['icon']>;

/** How much of what a step left its tooltip shows, in characters. */
const shownAnswer = 2000;

export const isLive = (status: RunListItem['status']): boolean =>
  status === 'pending' || status === 'running' || status === 'paused';

/** The gate that a run waits at; undefined if it waits at none, or that is not known. */
export const waitingGate = ({ steps }: RunListItem): RunStep | undefined =>
  steps?.find(isWaitingGate);

/**
 * Turns a run into a row.
 *
 * @param now milliseconds since 1970, from which its age is counted
 */
export function runRow({ run, title, undoable = false }: TitledRun, now: number): Row {
  const { status } = run;
  const age = ageOf(run.created_at, now);
  const label = title === null ? run.id : oneLine(title, 120);
  const took = durationOf(run.started_at, run.finished_at);
  const state = stateOf(run);
  const undone = run.undone_at !== undefined;
  const told = took === null || undone ? state : `${state} in ${took}`;
  const flags = [isLive(status) ? 'live' : 'over', status, ...(undoable ? ['undoable'] : [])];
  return {
    label,
    // The state before the age: in a narrow side bar the end is cut off.
    description: [told, age.short].join(' · '),
    icon: undone ? undoneLook : runLooks[status],
    contextValue: `run;${flags.join(';')};`,
    tooltip: tooltipOf(`**${capital(status)}** (created ${age.long})`, title, [
      ['error', run.error],
      ['waits at', waitingGate(run)?.title],
      ['id', run.id],
      ['artifact', run.approved_id],
      ['by', run.actor],
      ['created', run.created_at],
      ['started', run.started_at],
      ['ended', run.finished_at],
      ['undone', run.undone_at ?? null],
      ['attempt', run.attempt > 1 ? String(run.attempt) : null],
    ]),
    spoken: [`run ${state}`, label, ...(took === null ? [] : [`took ${took}`]), age.long].join(
      ', ',
    ),
  };
}

/** The state in words: a gate is named, and a pause that somebody asked for is told before it comes. */
function stateOf(run: RunListItem): string {
  if (run.undone_at !== undefined) return 'undone';
  const gate = waitingGate(run);
  if (run.status === 'paused' && gate !== undefined)
    return gate.title === undefined ? 'waits at a gate' : `waits: ${oneLine(gate.title, 60)}`;
  return run.status === 'running' && run.pause_requested === true ? 'pausing' : run.status;
}

/** Turns a step of a run into a row. `number` counts from 1. */
export function stepRow(step: RunStep, number: number): Row {
  const words = kindWords[step.kind];
  const title = titleOf(step);
  const waits = isWaitingGate(step);
  const took = durationOf(step.started_at, step.finished_at);
  const state = waits ? 'waits for you' : took === null ? step.status : `${step.status} in ${took}`;
  const facts = factsOf(step);
  return {
    label: `${number}. ${title}`,
    description: [
      ...[state, ...facts],
      title === words ? oneLine(step.id, 40) : words.toLowerCase(),
    ].join(' · '),
    icon: waits ? runLooks.paused : stepLooks[step.status],
    contextValue: `step;${step.kind};${step.status};`,
    tooltip: tooltipOf(`**${words}**: ${waits ? 'waits for you' : step.status}`, textOf(step), [
      ['title', step.title],
      ['step', step.id],
      ['result', facts.length === 0 ? null : facts.join(', ')],
      ['by', continuedBy(step)],
      ['began', step.started_at],
      ['ended', step.finished_at],
    ]),
    spoken: [`step ${number}`, title, ...(title === words ? [] : [words]), state, ...facts].join(
      ', ',
    ),
  };
}

/** What came of a step, in a few words. */
function factsOf(step: RunStep): string[] {
  const files = editedFiles(step).length;
  const exit = exitOf(step);
  return [...countedSome([files, 'file']), ...(exit === null ? [] : [exit])];
}

/** What a step left to be read: the start of an answer, or the files that it changed. */
function textOf(step: RunStep): string | null {
  const files = editedFiles(step);
  const text =
    step.kind === 'edit'
      ? files.map(({ did, path }) => `${did.padEnd(8)} ${path}`).join('\n')
      : answerOf(step);
  if (text === null || text === '') return null;
  const characters = [...text.slice(0, 2 * shownAnswer)];
  return text.length <= shownAnswer ? text : `${characters.slice(0, shownAnswer).join('')}…`;
}
