import {
  CommandResult,
  EditResult,
  GateResult,
  PromptResult,
  type RunStep,
  type Step,
} from '../../src/contract/records.ts';
import { inWords } from '../fold.ts';
import { plain } from '../hidden.ts';
import type { RunMessage } from '../state.ts';
import { commandLine } from './command.ts';
import { type Child, h, type IconName, icon } from './dom.ts';
import { code } from './header.ts';
import { empty } from './parts.ts';
import { markedText } from './raw.ts';
import { kindTitles } from './steps.ts';

/** The steps of a run in order: how each stands, and what it left behind. */
export function runSteps(steps: readonly RunStep[], approved: RunMessage['approved']): HTMLElement {
  const planned = new Map((approved?.steps ?? []).map((step) => [step.id, step]));
  const rows = steps.map((step, at) => row(step, at, planned.get(step.id)));
  return h(
    'section',
    { class: 'part', 'aria-labelledby': 'part-run-steps' },
    h('div', { class: 'part-head' }, h('h2', { id: 'part-run-steps' }, 'Steps')),
    rows.length === 0 ? empty('There is none.') : h('ol', { class: 'run-steps' }, ...rows),
  );
}

function row(step: RunStep, at: number, planned: Step | undefined): HTMLElement {
  const title = planned?.title;
  return h(
    'li',
    { class: `run-step step-${step.status}` },
    h(
      'div',
      { class: 'run-step-head' },
      icon(waitsForPerson(step) ? 'gate' : icons[step.status]),
      h('span', { class: 'step-kind' }, kindTitles[step.kind]),
      title === undefined ? null : h('span', { class: 'step-title' }, plain(title)),
      h('span', { class: 'muted' }, stepWords(step)),
    ),
    planned?.kind === 'command'
      ? commandLine(planned.argv, `Step ${at + 1}, command line`).element
      : null,
    resultOf(step),
  );
}

const icons: Record<RunStep['status'], IconName> = {
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  error: 'error',
  skipped: 'skipped',
};
const statusWords: Record<RunStep['status'], string> = {
  waiting: 'waits',
  running: 'running',
  done: 'done',
  error: 'failed',
  skipped: 'skipped',
};

const waitsForPerson = ({ kind, status }: RunStep) => kind === 'gate' && status === 'running';

function stepWords(step: RunStep): string {
  if (waitsForPerson(step)) return 'waits for you';
  const { status, started_at, finished_at } = step;
  const took = started_at === null || finished_at === null ? '' : duration(started_at, finished_at);
  return took === '' ? statusWords[status] : `${statusWords[status]}, ${took}`;
}

function resultOf(step: RunStep): Child {
  const { kind, result } = step;
  // An answer is read at length; it has a part of its own below.
  if (result == null) return null;
  if (kind === 'prompt' && PromptResult.safeParse(result).success) return null;
  const edit = kind === 'edit' ? EditResult.safeParse(result).data : undefined;
  if (edit !== undefined) return editResult(edit);
  const command = kind === 'command' ? CommandResult.safeParse(result).data : undefined;
  if (command !== undefined) return commandResult(command);
  const gate = kind === 'gate' ? GateResult.safeParse(result).data : undefined;
  if (gate !== undefined)
    return h('p', { class: 'muted' }, 'Continued by ', code(gate.continued_by));
  return h('pre', { class: 'raw' }, ...markedText(JSON.stringify(result, null, 2)));
}

function editResult(result: EditResult): Child {
  if (result.files.length === 0) return empty('No file was changed.');
  const rows = result.files.map(({ path, did }) =>
    h('li', {}, h('span', { class: `did did-${doing[did]}` }, did), code(path)),
  );
  return h('ul', { class: 'files' }, ...rows);
}

/** The same colours as in the review. */
const doing = { created: 'creates', changed: 'changes', deleted: 'deletes' } as const;

function commandResult(result: CommandResult): Child {
  const { exit_code, signal, duration_ms, output_bytes, output_cut } = result;
  const end =
    exit_code === null ? `ended by ${plain(signal ?? 'a signal')}` : `exit code ${exit_code}`;
  const cut = output_cut ? ', not all of it in the log' : '';
  const output =
    output_bytes === 0 ? 'no output' : `${inWords(output_bytes, 'byte')} of output${cut}`;
  return empty(`${end}, ${spell(duration_ms)}, ${output}`);
}

/** How long it was from one instant to another; empty if that cannot be told. */
export function duration(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  return Number.isNaN(ms) ? '' : spell(ms);
}

function spell(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
