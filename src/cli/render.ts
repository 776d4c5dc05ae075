import type { DraftRecord, RunRecord, Step, Warning } from '../contract/records.ts';
import { isWaitingGate } from '../contract/steps.ts';
import { countUnseen, visibleJson } from '../contract/visible.ts';
import type { Colour, Output, Part } from './output.ts';

const colours: Readonly<Record<string, Colour>> = {
  draft: 'cyan',
  waits: 'cyan',
  spent: 'dim',
  approved: 'green',
  done: 'green',
  pending: 'cyan',
  running: 'cyan',
  paused: 'yellow',
  error: 'red',
  rejected: 'dim',
  cancelled: 'dim',
};

/** A state in its colour. @param width in columns, at least */
export function statusPart(status: string, width = 0): Part {
  const colour = colours[status];
  const text = status.padEnd(width);
  return colour === undefined ? text : { text, colour };
}

/** How long ago an instant (ISO 8601) was, in its largest unit: `5s`, `3m`, `2h`, `9d`; `?` for an odd date. */
export function age(instant: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(instant)) / 1000));
  if (Number.isNaN(seconds)) return '?';
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Shows a draft whole: everything that an approval of it would approve, and the digest that names it. */
export function showDraft(out: Output, draft: DraftRecord): void {
  const said = (name: string, value: string | null) => {
    if (value !== null) out.field(name, value);
  };
  out.field('draft', draft.id);
  out.field('status', draft.status, colours[draft.status]);
  said('error', draft.error);
  said('rejected', draft.reject_reason);
  said('approved as', draft.approved_id);
  out.field(
    'made by',
    `${draft.created_by ?? 'unknown'}${draft.source === null ? '' : ` (${draft.source})`}`,
  );
  out.field('made at', draft.created_at);
  said('changed at', draft.updated_at);
  said('plan task', draft.plan_task_id);
  out.field('provider', draft.provider ?? 'none named');
  part(out, 'prompt', draft.prompt);
  if (draft.content === null || draft.content === '') out.field('content', 'none');
  else part(out, 'content', draft.content);
  showSteps(out, draft.steps);
  if (Object.keys(draft.context).length === 0) out.field('context', 'none');
  else part(out, 'context', visibleJson(draft.context, 2));
  out.field('digest', draft.digest ?? 'none');
  warnUnseen(out, draft);
}

function part(out: Output, title: string, text: string): void {
  out.line({ text: title, colour: 'dim' });
  out.block(text);
}

function showSteps(out: Output, steps: readonly Step[] | null): void {
  if (steps === null) {
    out.field('steps', 'one: the prompt and the content are sent to the provider');
    return;
  }
  out.field('steps', String(steps.length));
  for (const [at, step] of steps.entries()) {
    const title = step.title === undefined ? '' : `: ${step.title}`;
    out.field(`step ${at + 1}`, `${step.kind} ${step.id}${title}`, 'bold');
    showStep(out, step);
  }
}

function showStep(out: Output, step: Step): void {
  if (step.kind === 'prompt') out.block(step.text);
  else if (step.kind === 'command') {
    for (const [at, word] of step.argv.entries()) out.field(`  argv[${at}]`, visibleJson(word, 0));
    out.field('  cwd', step.cwd === undefined ? 'the workspace' : visibleJson(step.cwd, 0));
    if (step.timeout_s !== undefined) out.field('  timeout', `${step.timeout_s} s`);
  } else if (step.kind === 'edit')
    for (const { path, base_sha256, text } of step.changes) {
      out.field(text === null ? '  delete' : '  write', visibleJson(path, 0));
      out.field(
        '  made from',
        base_sha256 ?? (base_sha256 === null ? 'nothing: it must not exist' : 'not said'),
      );
      if (text !== null) out.block(text);
    }
}

/* Spelled out, a character that cannot be seen looks like text that merely spells one: so the count is told. */
function warnUnseen(out: Output, { prompt, content, context, steps }: DraftRecord): void {
  const count = textsOf([prompt, content, context, steps]).reduce(
    (sum, text) => sum + countUnseen(text),
    0,
  );
  if (count > 0) out.field('unseen', `${count} characters, spelled out above as \\u…`, 'yellow');
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
}

/** Shows a run: its state, what it was made of, and its steps. */
export function showRun(out: Output, run: RunRecord): void {
  out.field('run', run.id);
  out.field('status', run.status, colours[run.status]);
  out.field('approved', run.approved_id);
  if (run.error !== null) out.field('error', run.error, 'red');
  for (const [at, step] of run.steps.entries()) {
    const { kind, id, title, status } = step;
    const waits = isWaitingGate(step);
    const named = title === undefined ? id : `${id} (${title})`;
    out.field(`step ${at + 1}`, `${kind} ${named}: ${waits ? 'waits for a person' : status}`);
  }
  if (run.status === 'paused') out.field('go on', `gimo resume ${run.id}`);
}

/** Shows what to look at before a yes. */
export function showWarnings(out: Output, warnings: readonly Warning[]): void {
  for (const { step, path, message } of warnings) {
    const at = [...(step === null ? [] : [`step ${step}`]), ...(path === null ? [] : [path])];
    out.field('warning', `${at.length === 0 ? '' : `${at.join(', ')}: `}${message}`, 'yellow');
  }
}
