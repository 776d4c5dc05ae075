import type { Plan } from '../../contract/records.ts';
import { fenced, oneLine } from '../text.ts';
import type { Planned, PlannedTask } from './planned.ts';
import { capital, type Fact, type Row, tooltipOf } from './row.ts';

type Status = Plan['tasks'][number]['status'];

const looks = {
  pending: { id: 'circle-large-outline', color: 'disabledForeground' },
  in_progress: { id: 'play-circle', color: 'charts.blue' },
  done: { id: 'pass-filled', color: 'testing.iconPassed' },
  blocked: { id: 'warning', color: 'list.warningForeground' },
} as const satisfies Record<Status, Row['icon']>;
/** As in Drafts: it waits for a person. */
const waits = { id: 'circle-large-outline', color: 'charts.yellow' } as const;

const words = {
  pending: 'ready',
  in_progress: 'in progress',
  done: 'done',
  blocked: 'blocked',
} as const satisfies Record<Status, string>;

const draftWords = {
  draft: 'draft waits',
  approved: 'approved',
  rejected: 'draft rejected',
  error: 'no proposal',
} as const satisfies Record<NonNullable<PlannedTask['draft']>['status'], string>;

const runWords = {
  pending: 'run pending',
  running: 'running',
  paused: 'run paused',
  done: 'done',
  error: 'run failed',
  cancelled: 'run cancelled',
} as const satisfies Record<NonNullable<PlannedTask['run']>['status'], string>;

/** How much of what others wrote a tooltip shows, in characters. */
const shownText = 2000;
const shownFact = 300;
/** How many tasks a row names that it waits for. */
const named = 3;

/** Whether a draft of it waits for a decision. */
const isDrafted = ({ draft }: PlannedTask): boolean => draft?.status === 'draft';

/** Turns a task of the plan into a row. */
export function taskRow(planned: PlannedTask): Row {
  const { task, draft, run, waitsFor } = planned;
  const { status } = task;
  const label = oneLine(task.title, 120) || oneLine(task.id, 120);
  const state = stateOf(planned);
  const drafted = isDrafted(planned);
  return {
    label,
    // The state before the id: in a narrow side bar the end is cut off.
    description: [state, oneLine(task.id, 24)].join(' · '),
    icon: drafted ? waits : looks[status],
    contextValue: `task;${status};${drafted ? 'drafted' : 'undrafted'};`,
    tooltip: tooltipOf(`**${capital(status.replace('_', ' '))}**`, cut(task.description), [
      ['task', oneLine(task.id, shownFact)],
      fact('title', task.title),
      fact('scope', task.scope),
      fact('after', task.depends.join(', ')),
      fact('waits for', waitsFor.join(', ')),
      ['draft', draft === null ? null : `${draft.id} (${draft.status})`],
      ['run', run === null ? null : `${run.id} (${run.status})`],
      fact('error', run?.error ?? draft?.error ?? ''),
    ]),
    spoken: [`task ${oneLine(task.id, 60)}`, label, status.replace('_', ' '), state].join(', '),
  };
}

/** What a task waits for, or what became of its newest draft. */
function stateOf({ task, draft, run, waitsFor }: PlannedTask): string {
  if (task.status === 'done') return words.done;
  const stands = run === null ? draft && draftWords[draft.status] : runWords[run.status];
  const after = waitsFor.length === 0 ? [] : [`after ${listOf(waitsFor)}`];
  if (stands !== null) return [stands, ...after].join(' · ');
  if (task.status === 'pending' && after.length > 0) return after.join('');
  return [words[task.status], ...after].join(' · ');
}

/** Some of the ids in words: `t1, t2 and 4 more`. */
export function listOf(ids: readonly string[]): string {
  const some = ids.slice(0, named).map((id) => oneLine(id, 24));
  const rest = ids.length - some.length;
  return `${some.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/**
 * The plan itself as a row above its tasks: what it is called, and what it is for. Without an icon, or the editor would
 * indent the tasks as much.
 */
export function planRow(plan: Plan): Omit<Row, 'icon'> {
  const label = oneLine(plan.title, 120) || oneLine(plan.id, 120);
  const objective = oneLine(plan.objective, 200);
  return {
    label,
    description: objective,
    contextValue: 'group;plan;',
    tooltip: tooltipOf('**Plan**', cut(plan.objective), [
      fact('title', plan.title),
      fact('id', plan.id),
      fact('workspace', plan.workspace),
      fact('created', plan.created),
    ]),
    spoken: ['plan', label, objective].filter((text) => text !== '').join(', '),
  };
}

/** What the plan is for, or what it demands of every task, as a row of its own. */
export function termRow(kind: 'objective' | 'constraint', text: string): Row {
  const label = oneLine(text, 200);
  return {
    label,
    description: '',
    icon: { id: kind === 'objective' ? 'target' : 'law', color: 'icon.foreground' },
    contextValue: `${kind};`,
    tooltip: `**${capital(kind)}**\n\n${fenced(cut(text) ?? '')}`,
    spoken: `${kind}, ${label}`,
  };
}

/** What is odd about the plan as a whole, as a row above its tasks; null if nothing is. */
export function noteRow({ tasks, circular }: Planned): Row | null {
  if (tasks.length > 0 && !circular) return null;
  const label = circular ? 'Some tasks wait for each other in a circle' : 'The plan has no tasks';
  return {
    label,
    description: '',
    icon: circular ? looks.blocked : { id: 'info', color: 'icon.foreground' },
    contextValue: 'note;',
    tooltip: circular
      ? 'Tasks that depend on each other in a circle can never start. Break it, and set the plan anew.'
      : 'Set a plan that has some.',
    spoken: label,
  };
}

/** What stands in place of a plan whose file is none, with why. A click opens the file. */
export function brokenRow(why: string): Row {
  const label = 'plan.json cannot be read';
  return {
    label,
    description: 'open it to mend it',
    icon: looks.blocked,
    contextValue: 'broken;',
    tooltip: tooltipOf('**This file is no plan**', oneLine(why, shownText), []),
    spoken: `${label}, ${oneLine(why, shownFact)}`,
  };
}

/** How far the plan is: `3 of 12 done`. */
export function progressOf({ tasks }: Planned): string {
  const done = tasks.filter(({ task }) => task.status === 'done').length;
  return tasks.length === 0 ? '' : `${done} of ${tasks.length} done`;
}

/** A fact in one line, so that it cannot pass for two. */
const fact = (name: string, text: string): Fact => [
  name,
  text === '' ? null : oneLine(text, shownFact),
];

function cut(text: string): string | null {
  if (text.trim() === '') return null;
  return text.length <= shownText ? text : `${text.slice(0, shownText).toWellFormed()}…`;
}
