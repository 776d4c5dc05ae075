import type { FromPanel } from '../../src/contract/panel.ts';
import { PromptResult } from '../../src/contract/records.ts';
import { plain } from '../hidden.ts';
import { isLive, isPausing, type RunMessage, type State } from '../state.ts';
import { banner, type Child, h, keepFocus, small } from './dom.ts';
import { gateAt, whatComesNext } from './gate.ts';
import { code, header, instant, madeBy, titleOf } from './header.ts';
import { createLog } from './log.ts';
import { bothWays, empty, type Page, viewButtons } from './parts.ts';
import { duration, runSteps } from './runSteps.ts';

const badges = {
  pending: ['waiting', 'Pending'],
  running: ['live', 'Running'],
  paused: ['waiting', 'Paused'],
  done: ['good', 'Done'],
  error: ['bad', 'Failed'],
  cancelled: ['over', 'Cancelled'],
} as const;
const pausing = ['live', 'Pausing'] as const;
const atGateBadge = ['waiting', 'Waits for you'] as const;
const undoneBadge = ['over', 'Undone'] as const;

/** A run: its head and results are drawn anew when they change, its log grows. */
export interface RunView {
  element: HTMLElement;
  update(message: RunMessage, state: Pick<State, 'log' | 'undone'>): void;
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
    update(message, { log: entries, undone }) {
      // While it goes on, the log is what is read; afterwards what came of it.
      if (!isLive(message) && results.nextSibling !== logPart) logPart.before(results);
      log.update(entries);
      const now = JSON.stringify([message, undone]);
      if (now === drawn) return;
      drawn = now;
      keepFocus(head, () => head.replaceChildren(...drawHead(message, undone, page, post)));
      keepFocus(results, () => results.replaceChildren(...drawResults(message, page)));
    },
  };
}

function drawHead(
  message: RunMessage,
  undone: State['undone'],
  page: Page,
  post: (message: FromPanel) => void,
): HTMLElement[] {
  const { run, approved } = message;
  const [state, word] = badgeOf(message);
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
      ['Asked for by', run.actor === null ? null : madeBy(run.actor, null)],
      ['Asked for', instant(run.created_at)],
      ['Started', instant(run.started_at)],
      ['Ended', instant(run.finished_at)],
      run.undone_at === undefined ? null : ['Undone', instant(run.undone_at)],
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
  return [
    ...[head, ...error, ...(undone === null ? [] : [undoneBanner(undone)])],
    ...[...whatComesNext(message, page), runSteps(run.steps, approved)],
  ];
}

function badgeOf(message: RunMessage) {
  if (isPausing(message)) return pausing;
  if (gateAt(message) !== null) return atGateBadge;
  return message.run.undone_at === undefined ? badges[message.run.status] : undoneBadge;
}

/** What an undo came to: also what it had to leave as it is. */
function undoneBanner({ restored, left }: NonNullable<State['undone']>): HTMLElement {
  const files = (paths: readonly Child[]) => h('ul', {}, ...paths.map((path) => h('li', {}, path)));
  return banner(
    left.length === 0 ? 'info' : 'warning',
    'status',
    h('p', {}, restored.length === 0 ? 'Nothing was put back.' : 'Put back as before the run:'),
    restored.length === 0 ? null : files(restored.map(code)),
    left.length === 0 ? null : h('p', {}, 'Left as it is:'),
    left.length === 0
      ? null
      : files(left.map(({ path, why }) => h('span', {}, code(path), `: ${plain(why)}`))),
  );
}

/** The answers of models: they are read at length, so they do not stand among the steps. */
function drawResults({ run }: RunMessage, page: Page): HTMLElement[] {
  return run.steps.flatMap((step, at) => {
    const found = PromptResult.safeParse(step.result);
    if (!found.success || step.kind !== 'prompt') return [];
    const id = `part-result-${at}`;
    const name = run.steps.length === 1 ? 'Result' : `Result of step ${at + 1}`;
    const part = h(
      'section',
      { class: 'part', 'aria-labelledby': id },
      h('div', { class: 'part-head' }, h('h2', { id }, name), viewButtons(page)),
      ...promptResult(found.data, `result-${at}`, name, page),
    );
    return [part];
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
