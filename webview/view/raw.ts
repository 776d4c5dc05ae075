import { type Amount, amountsInWords, fold } from '../fold.ts';
import { pieces } from '../hidden.ts';
import { h, small } from './dom.ts';

/** What the parts of a page share. */
export interface PageContext {
  isUnfolded(key: string): boolean;
  unfold(key: string): void;
}

export interface Raw {
  element: HTMLElement;
  /** The text, read back from what stands in the page. */
  read(): string;
  folded: readonly FoldedPart[];
  /** Brings what is folded into sight. */
  unfold(): void;
}

/** A part of the page that is out of sight until it is asked for. */
export interface FoldedPart {
  key: string;
  /** How much it is. */
  amount: Amount;
  /** How long the whole part is, in words. */
  total: string;
}

/** The text as it is, with a visible mark for every character that hides. Marks are no part of the text. */
export function markedText(text: string): Node[] {
  return pieces(text).map((piece) =>
    typeof piece === 'string'
      ? document.createTextNode(piece)
      : h(
          'span',
          { class: `mark mark-${piece.kind}`, title: piece.name, 'data-char': piece.char },
          piece.label,
        ),
  );
}

/**
 * Reads back what {@link markedText} put there. What was put around it for people says so with an empty `data-char`.
 */
export function readBack(root: Node): string {
  let text = '';
  for (const node of root.childNodes)
    if (node instanceof Text) text += node.data;
    else if (node instanceof HTMLElement) text += node.dataset.char ?? readBack(node);
  return text;
}

/**
 * A text as it is. A long one folds: all of it is in the page, a part of it out of sight until it is asked for.
 *
 * @param key names it, so that it stays unfolded
 */
export function rawText(text: string, key: string, label: string, page: PageContext): Raw {
  const { head, tail, total, hidden } = fold(text);
  const pre = h('pre', { class: 'raw', role: 'group', 'aria-label': label }, ...markedText(head));
  const read = () => readBack(pre);
  const rest = h('span', {}, ...markedText(tail));
  if (tail !== '') pre.append(rest);
  if (tail === '' || page.isUnfolded(key))
    return { element: pre, read, folded: [], unfold: () => {} };
  rest.hidden = true;
  pre.classList.add('cut');
  const bar = foldBar(amountsInWords([hidden]), total, `unfold-${key}`, () => {
    unfold();
    pre.tabIndex = -1;
    pre.focus({ preventScroll: true });
  });
  const unfold = () => {
    rest.hidden = false;
    pre.classList.remove('cut');
    bar.remove();
    page.unfold(key);
  };
  return {
    element: h('div', {}, pre, bar),
    read,
    folded: [{ key, amount: hidden, total }],
    unfold,
  };
}

/** Says how much is folded, and offers all of it. @param total how much that is; empty if it is just what is folded */
export function foldBar(words: string, total: string, key: string, press: () => void): HTMLElement {
  const more = small(total === '' ? 'Show' : `Show all ${total}`, press, { 'data-key': key });
  return h('div', { class: 'fold' }, h('span', {}, `${words} folded`), more);
}
