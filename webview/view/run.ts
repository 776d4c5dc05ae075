import type { FromPanel } from '../../src/contract/panel.ts';
import { type LogEntry, PromptResult, type RunStep } from '../../src/contract/records.ts';
import { plain } from '../hidden.ts';
import type { RunMessage } from '../state.ts';
import { banner, type Child, h, type IconName, icon, small } from './dom.ts';
import { code, header, instant, titleOf } from './header.ts';
import { createLog } from './log.ts';
import { bothWays, empty, kindTitles, type Page, viewButtons } from './parts.ts';
import { rawText } from './raw.ts';

const badges = {
  pending: ['waiting', 'Pending'],
  running: ['live', 'Running'],
  paused: ['waiting', 'Paused'],
  done: ['good', 'Done'],
  error: ['bad', 'Failed'],
  cancelled: ['over', 'Cancelled'],
} as const;

/** A run: its head and results are drawn anew when they change, its log grows. */
export interface RunView {
  element: HTMLElement;
  update(message: RunMessage, log: readonly LogEntry[]): void;
}

export function createRunView(
  page: Page & { follow(): boolean; setFollow(follow: boolean): void },
  post: (message: FromPanel) => void,
): RunView {
  const head = h('div', { class: 'block' });
  const results = h('div', { class: 'block' });
  const log = createLog(page);
  const logPart = h(
    'section',
    { class: 'part', 'aria-labelledby': 'part-log' },
    h('div', { class: 'part-head' }, h('h2', { id: 'part-log' }, 'Log'), log.controls),
    log.element,
  );
  let drawn = '';
  return {
    element: h('div', { class: 'block' }, head, logPart, results),
    update(message, entries) {
      log.update(entries);
      const now = JSON.stringify(message);
      if (now === drawn) return;
      drawn = now;
      head.replaceChildren(...drawHead(message, post));
      results.replaceChildren(...drawResults(message, page));
    },
  };
}

function drawHead(
  { run, approved }: RunMessage,
  post: (message: FromPanel) => void,
): HTMLElement[] {
  const [state, word] = badges[run.status];
  const open = small(
    run.approved_id,
    () => post({ type: 'open', subject: { kind: 'approved', id: run.approved_id } }),
    { class: 'small code', title: 'Open the approved artifact', 'data-key': 'open-approved' },
  );
  const head = header({
    what: 'Run',
    title: approved === null ? plain(run.id) : titleOf(approved.prompt),
    ...{ state, word },
    facts: [
      ['Asked for by', run.actor === null ? null : code(run.actor)],
      ['Asked for', instant(run.created_at)],
      ['Started', instant(run.started_at)],
      ['Ended', instant(run.finished_at)],
      run.started_at === null || run.finished_at === null
        ? null
        : ['Took', duration(run.started_at, run.finished_at)],
      run.attempt > 1 ? ['Attempt', String(run.attempt)] : null,
      ['Artifact', open],
      ['Id', code(run.id)],
    ],
  });
  const error =
    run.error === null ? [] : [banner('error', 'note', h('p', { class: 'said' }, run.error))];
  return [head, ...error, stepsOf(run.steps, approved)];
}

function stepsOf(steps: readonly RunStep[], approved: RunMessage['approved']): HTMLElement {
  const planned = new Map((approved?.steps ?? []).map((step) => [step.id, step]));
  const rows = steps.map((step) => {
    const title = planned.get(step.id)?.title;
    return h(
      'li',
      { class: `run-step step-${step.status}` },
      icon(icons[step.status]),
      h('span', { class: 'step-kind' }, kindTitles[step.kind]),
      title === undefined ? null : h('span', { class: 'step-title' }, plain(title)),
      h('span', { class: 'muted' }, stepWords(step)),
    );
  });
  return h(
    'section',
    { class: 'part', 'aria-labelledby': 'part-run-steps' },
    h('div', { class: 'part-head' }, h('h2', { id: 'part-run-steps' }, 'Steps')),
    rows.length === 0 ? empty('There is none.') : h('ol', { class: 'run-steps' }, ...rows),
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

function stepWords({ status, started_at, finished_at }: RunStep): string {
  const took = started_at === null || finished_at === null ? '' : duration(started_at, finished_at);
  return took === '' ? statusWords[status] : `${statusWords[status]}, ${took}`;
}

function drawResults({ run }: RunMessage, page: Page): HTMLElement[] {
  const with_ = run.steps.flatMap((step, at) => (step.result == null ? [] : [{ step, at }]));
  return with_.map(({ step, at }) => {
    const id = `part-result-${at}`;
    const name = run.steps.length === 1 ? 'Result' : `Result of step ${at + 1}`;
    const found = PromptResult.safeParse(step.result);
    const body = found.success
      ? promptResult(found.data, `result-${at}`, name, page)
      : [rawText(JSON.stringify(step.result, null, 2), `result-${at}`, name, page).element];
    return h(
      'section',
      { class: 'part', 'aria-labelledby': id },
      h(
        'div',
        { class: 'part-head' },
        h('h2', { id }, name),
        found.success ? viewButtons(page) : null,
      ),
      ...body,
    );
  });
}

function promptResult(result: PromptResult, key: string, name: string, page: Page): Child[] {
  if (result.text === '') return [empty('The answer is empty.')];
  const { usage } = result;
  const tokens =
    usage === null
      ? null
      : empty(`${usage.prompt_tokens} tokens asked, ${usage.completion_tokens} answered`);
  return [bothWays(result.text, key, name, page).element, tokens];
}

function duration(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  if (Number.isNaN(ms)) return '';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
