import type { LogEntry } from '../../src/contract/records.ts';
import { checkbox } from '../toolkit/controls.ts';
import { h } from './dom.ts';
import { empty } from './parts.ts';
import { markedText } from './raw.ts';

export interface LogView {
  element: HTMLElement;
  controls: HTMLElement;
  /** Shows these entries; those that are shown already stay as they are. */
  update(entries: readonly LogEntry[]): void;
}

/** Pixels from the end that still count as being there. */
const nearEnd = 24;

/** A log that grows. It stays at its end while a person is there, and never moves under their eyes otherwise. */
export function createLog(page: { follow(): boolean; setFollow(follow: boolean): void }): LogView {
  const nothing = empty('Nothing was logged yet.');
  const list = h('div', {
    class: 'log',
    role: 'log',
    'aria-live': 'off',
    'aria-label': 'Log of the run',
    tabindex: '0',
  });
  list.hidden = true;
  const follow = checkbox({
    label: 'Follow',
    checked: page.follow(),
    changed(checked) {
      page.setFollow(checked);
      if (checked) toEnd();
    },
  });
  const toEnd = () => {
    list.scrollTop = list.scrollHeight;
  };
  const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < nearEnd;
  // Only a person scrolls up; what grows only pushes the end away, and fires no event of its own.
  list.addEventListener('scroll', () => {
    const end = atEnd();
    if (end === page.follow()) return;
    page.setFollow(end);
    follow.set(end);
  });
  let shown: readonly LogEntry[] = [];
  return {
    element: h('div', {}, nothing, list),
    controls: follow.element,
    update(entries) {
      if (entries === shown) return;
      const grows = shown.length <= entries.length && shown.every((one, at) => one === entries[at]);
      if (!grows) list.replaceChildren();
      list.append(...entries.slice(grows ? shown.length : 0).map(row));
      shown = entries;
      nothing.hidden = entries.length > 0;
      list.hidden = entries.length === 0;
      if (page.follow()) toEnd();
    },
  };
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

function row({ ts, level, msg }: LogEntry): HTMLElement {
  const at = Date.parse(ts);
  const quiet = level === 'OUTPUT';
  return h(
    'div',
    { class: `log-row level-${/^\w+$/.test(level) ? level.toLowerCase() : 'other'}` },
    h('time', { title: ts }, Number.isNaN(at) ? '' : clock.format(at)),
    quiet ? null : h('span', { class: 'level' }, level),
    h('span', { class: 'message' }, ...markedText(msg)),
  );
}
