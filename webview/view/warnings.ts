import type { Warning } from '../../src/contract/records.ts';
import { plain } from '../hidden.ts';
import { banner, type Child, h, icon, small } from './dom.ts';

/** Something to look at before a yes. */
export interface Told {
  /** Where it is, in words. */
  where: string;
  /** The id of the element that it is about. */
  anchor: string;
  message: string;
}

/** All that there is to look at, counted, each with a way to where it is. */
export function warningList(all: readonly Told[], failed: string | null): HTMLElement[] {
  if (all.length === 0 && failed === null) return [];
  const count = all.length === 1 ? '1 warning' : `${all.length} warnings`;
  const title = all.length === 0 ? 'Not compared with the workspace' : `Look closely: ${count}`;
  const rows = all.map(({ where, anchor, message }) => {
    const go = small(where, () => jumpTo(anchor), {
      class: 'small link',
      title: `Go to: ${where}`,
      'data-key': `go-${anchor}-${message.length}`,
    });
    return h('li', {}, go, `: ${message}`);
  });
  return [
    banner(
      'warning',
      'note',
      h('h2', { class: 'warnings-title' }, title),
      rows.length === 0 ? null : h('ul', {}, ...rows),
      failed === null ? null : h('p', {}, failed),
    ),
  ];
}

/** The same, beside what it is about. */
export function besides(messages: readonly string[]): Child {
  if (messages.length === 0) return null;
  const rows = messages.map((message) => h('li', {}, icon('warning'), h('span', {}, message)));
  return h('ul', { class: 'besides' }, ...rows);
}

/** What a message of the server says, made fit for one line. */
export const messageOf = ({ message }: Warning): string => plain(message);

function jumpTo(id: string): void {
  const found = document.getElementById(id);
  if (found === null) return;
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
  found.scrollIntoView({ block: 'start' });
}
