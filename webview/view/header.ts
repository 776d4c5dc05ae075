import { isAtEditor } from '../../src/contract/actors.ts';
import type { DraftSource } from '../../src/contract/records.ts';
import { plain } from '../hidden.ts';
import { type Child, h, small } from './dom.ts';
import { facts } from './parts.ts';

/** What a record is called: the first line of its prompt that says something. */
export function titleOf(prompt: string): string {
  const line = prompt.split('\n').find((one) => plain(one) !== '');
  return plain(line ?? '') || 'Untitled';
}

export interface Heading {
  /** What kind of record it is. */
  what: string;
  title: string;
  /** Names the colour of the state. */
  state: string;
  /** The state in a word. */
  word: string;
  facts: readonly (readonly [name: string, value: Child] | null)[];
}

export function header(heading: Heading): HTMLElement {
  return h(
    'header',
    { class: 'head' },
    h(
      'div',
      { class: 'head-line' },
      h('span', { class: 'what' }, heading.what),
      h('span', { class: `badge state-${heading.state}` }, heading.word),
    ),
    h('h1', {}, heading.title),
    facts(heading.facts),
  );
}

const ways: Record<DraftSource, string> = {
  api: 'over the API',
  editor: 'in the editor',
  cli: 'on the command line',
  mcp: 'through an MCP client',
  generate: 'with a model',
};

/** Who made it, and by what way. Of a person the number behind says nothing to a reader: it stands in the tooltip. */
export function madeBy(by: string | null, source: DraftSource | null): Child {
  const way = source === null ? '' : ways[source];
  if (by === null) return way === '' ? 'unknown' : `somebody, ${way}`;
  const atEditor = isAtEditor(by);
  const who = atEditor
    ? h('span', { title: by }, 'a person at an editor')
    : h('code', {}, plain(by));
  // That a person at an editor made it in the editor need not be said.
  const said = way === '' || (source === 'editor' && atEditor);
  return h('span', {}, who, said ? null : `, ${way}`);
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** An instant in the reader's own time; the exact one stands in the tooltip. */
export function instant(iso: string | null): Child {
  if (iso === null) return null;
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return plain(iso);
  return h('time', { datetime: iso, title: iso }, clock.format(at));
}

export const code = (text: string): HTMLElement => h('code', {}, plain(text));

/** A hash: short, whole on demand, and to be copied. */
export function hash(value: string | null): Child {
  if (value === null) return null;
  const shown = h('code', { class: 'hash', title: value }, short(value));
  const whole = small('Show', () => toggle(), {
    'aria-expanded': 'false',
    'data-key': 'hash-show',
  });
  const copy = small('Copy', () => void copyText(value, copy), { 'data-key': 'hash-copy' });
  const toggle = () => {
    const open = whole.getAttribute('aria-expanded') !== 'true';
    whole.setAttribute('aria-expanded', String(open));
    whole.textContent = open ? 'Shorten' : 'Show';
    shown.textContent = open ? value : short(value);
  };
  return h('span', { class: 'with-buttons' }, shown, whole, copy);
}

/** The first twelve digits: enough to compare by eye, never to prove anything. */
export const short = (digest: string): string => digest.slice(0, 12);

async function copyText(text: string, told: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = 'Copied';
  } catch (error) {
    console.warn('The clipboard refused.', error);
    told.textContent = 'Not copied';
  }
}
