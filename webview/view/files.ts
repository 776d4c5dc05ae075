import type { Base } from '../../src/contract/panel.ts';
import type { EditStep, Step, Warning } from '../../src/contract/records.ts';
import { inWords } from '../fold.ts';
import { hiddenIn, plain } from '../hidden.ts';
import { bothCrlf, compare, hiddenChanges, linesOf, type Row } from '../lines.ts';
import { diffView, statsOf } from './diff.ts';
import { type Child, h, small } from './dom.ts';
import { short } from './header.ts';
import { empty, type Page } from './parts.ts';
import { type FoldedPart, markedText, type Raw, rawText, readBack } from './raw.ts';
import { besides, messageOf, type Told } from './warnings.ts';

/** What a draft is compared with. */
export interface Found {
  bases: ReadonlyMap<string, Base>;
  warnings: readonly Warning[];
  /** The place of the first step that is still to come: what those before it wrote stands in the workspace. */
  from: number;
}

type Change = EditStep['changes'][number];

/** A file that an edit step writes. `read` gives back what stands in the page. */
export interface FileView {
  element: HTMLElement;
  read(): Change;
  warnings: Told[];
  folded: readonly FoldedPart[];
}

/** The files of an edit step, each compared with what stands there when the step begins, as far as that is known. */
export function filesOf(
  step: EditStep,
  at: number,
  before: readonly Step[],
  found: Found | null,
  page: Page,
): FileView[] {
  const written = new Map<string, Base>();
  const note = ({ path, text }: Change) =>
    written.set(path, text === null ? { path, state: 'missing' } : { path, state: 'file', text });
  for (const one of before) if (one.kind === 'edit') for (const change of one.changes) note(change);
  return step.changes.map((change, index) => {
    const base = written.get(change.path) ?? found?.bases.get(change.path) ?? null;
    const earlier = written.has(change.path);
    note(change);
    const warnings = (found?.warnings ?? []).filter(
      (one) => one.step === step.id && one.path === change.path,
    );
    return fileView({ change, at, index, base, earlier, said: warnings.map(messageOf), page });
  });
}

interface Given {
  change: Change;
  /** The place of the step, and that of the file in it; from 0. */
  at: number;
  index: number;
  /** Null if there is nothing to compare with. */
  base: Base | null;
  /** Whether the base is what an earlier step leaves. */
  earlier: boolean;
  said: readonly string[];
  page: Page;
}

interface Body {
  /** Null for a file that is deleted. */
  text: Raw | null;
  elements: Child[];
  folded: readonly FoldedPart[];
  /** What hides in it, in phrases. */
  hidden: string[];
  rows: readonly Row[] | null;
}

function fileView(given: Given): FileView {
  const { change, at, index, said } = given;
  const anchor = `step-${at}-file-${index}`;
  const where = `Step ${at + 1}, ${plain(change.path)}`;
  const path = h('code', { class: 'path' }, ...markedText(change.path));
  const made = madeFrom(change);
  const body = bodyOf(given, anchor);
  const odd = hiddenIn(change.path);
  const hidden = [
    ...(body.hidden.length === 0 ? [] : [`Hard to see: ${body.hidden.join(', ')}.`]),
    ...(odd.length === 0 ? [] : [`Its path: ${odd.join(', ')}.`]),
  ];
  const element = h(
    'section',
    { class: 'file', id: anchor, 'aria-label': `${did(change)} ${plain(change.path)}` },
    h(
      'div',
      { class: 'file-head' },
      h('span', { class: `did did-${did(change).toLowerCase()}` }, did(change)),
      path,
      body.rows === null ? null : stats(body.rows),
      body.rows === null ? null : ways(body.text?.element, anchor),
    ),
    besides([...said, ...hidden]),
    ...body.elements,
    made?.element ?? null,
  );
  return {
    element,
    read: () => ({
      path: readBack(path),
      ...(made === null ? {} : { base_sha256: made.read() }),
      text: body.text?.read() ?? null,
    }),
    warnings: [...said, ...hidden].map((message) => ({ where, anchor, message })),
    folded: body.folded,
  };
}

function did({ text, base_sha256 }: Change): 'Creates' | 'Changes' | 'Deletes' {
  if (text === null) return 'Deletes';
  return base_sha256 === null ? 'Creates' : 'Changes';
}

/** Names the version of the file that the change was made from; that is approved as well. */
function madeFrom({ base_sha256: base }: Change) {
  if (base === undefined) return null;
  if (base === null) {
    const element = empty('Written only if there is no file at this path.');
    return { element, read: () => null };
  }
  const hash = h('code', { title: base, 'data-char': base }, short(base));
  const holder = h('span', {}, hash);
  const element = h(
    'p',
    { class: 'muted' },
    'Done only if the file is still the one with SHA-256 ',
    holder,
    '.',
  );
  return { element, read: () => readBack(holder) };
}

function bodyOf({ change, at, index, base, earlier, page }: Given, anchor: string): Body {
  const { text } = change;
  const label = `Step ${at + 1}, ${plain(change.path)}`;
  const none = { folded: [], hidden: [], rows: null, text: null };
  if (text === null) {
    const gone = base?.state === 'file' ? base.text : null;
    if (gone === null) return { ...none, elements: [empty(withoutBase(base))] };
    const raw = rawText(gone, anchor, `${label}, what is deleted`, page);
    raw.element.classList.add('gone');
    const told = empty(`${inWords(linesOf(gone).length, 'line')} go with it:`);
    return { ...none, elements: [told, raw.element], folded: raw.folded };
  }
  const before = base?.state === 'file' ? base.text : null;
  const rows = before === null ? null : compare(before, text);
  if (before !== null && rows !== null && before !== text) {
    const raw = diffView(rows, anchor, `${label}, changes`, page);
    if (bothCrlf(before, text)) raw.element.classList.add('crlf');
    const told = earlier ? empty('Compared with what an earlier step writes.') : null;
    const hidden = hiddenChanges(before, text, rows);
    return { text: raw, elements: [told, raw.element], folded: raw.folded, hidden, rows };
  }
  const raw = rawText(text, `${anchor}-${index}`, `${label}, new text`, page);
  const told = toldAlone(change, base, before);
  return {
    ...{ text: raw, folded: raw.folded, rows: null, hidden: hiddenIn(text) },
    elements: [told === null ? null : empty(told), raw.element],
  };
}

/** Why a new text shows alone; null if that goes without saying. */
function toldAlone(change: Change, base: Base | null, before: string | null): string | null {
  if (change.text === '') return 'The file is empty:';
  if (before === change.text) return 'The file holds this text already:';
  if (before !== null)
    return 'The texts are too different to be compared line by line. The new text:';
  if (base === null || base.state === 'unread') return withoutBase(base);
  return did(change) === 'Creates' ? null : 'There is no file at this path now. The new text:';
}

function withoutBase(base: Base | null): string {
  if (base === null) return 'Not compared with the workspace.';
  return base.state === 'unread' ? base.why : 'There is no file at this path now.';
}

function stats(rows: readonly Row[]): HTMLElement {
  const { short: shown, long } = statsOf(rows);
  return h('span', { class: 'muted', title: long, role: 'img', 'aria-label': long }, shown);
}

/** Shows the changes, or the new text alone; it is the same text in the page. */
function ways(element: HTMLElement | undefined, key: string): HTMLElement {
  const names = ['Changes', 'New Text'] as const;
  const buttons = names.map((name) =>
    small(name, () => set(name), {
      'aria-pressed': String(name === 'Changes'),
      'data-key': `${key}-${name}`,
    }),
  );
  const set = (chosen: (typeof names)[number]) => {
    element?.classList.toggle('alone', chosen === 'New Text');
    for (const button of buttons)
      button.setAttribute('aria-pressed', String(button.textContent === chosen));
  };
  return h(
    'div',
    { class: 'views', role: 'group', 'aria-label': 'How this file is shown' },
    ...buttons,
  );
}
