import { type Amount, amountsInWords, inWords } from '../fold.ts';
import { type Row, type Segment, segmentsOf } from '../lines.ts';
import { h } from './dom.ts';
import { foldBar, markedText, type PageContext, type Raw, readBack } from './raw.ts';

/*
 * A comparison, line by line. The whole new text is in the page, what is folded too; the lines that go stand beside it
 * and are no part of it.
 */

/** @param key names it, so that what was unfolded stays so */
export function diffView(rows: readonly Row[], key: string, label: string, page: PageContext): Raw {
  const element = h('div', { class: 'diff', role: 'group', 'aria-label': label });
  const hidden: { key: string; amount: Amount; total: string; show(): void }[] = [];
  for (const [index, segment] of segmentsOf(rows).entries()) {
    const name = `${key}-${index}`;
    if (segment.folded === null || page.isUnfolded(name)) {
      element.append(...segment.rows.map(rowView));
      continue;
    }
    const fold = foldedView(segment, name, page);
    element.append(...fold.elements);
    hidden.push({ key: name, amount: fold.amount, total: '', show: fold.show });
  }
  return {
    element,
    read: () => readBack(element),
    folded: hidden,
    unfold() {
      for (const { show } of hidden) show();
    },
  };
}

/** What is folded stands in the page as plain text, and becomes rows when it is asked for. */
function foldedView({ rows, folded }: Segment, key: string, page: PageContext) {
  const amount: Amount = {
    count: rows.length,
    unit: folded === 'unchanged' ? 'unchanged line' : 'line',
  };
  const kept = rows.filter(({ kind }) => kind !== 'out').map(({ text }) => text);
  const held = h('span', { hidden: true }, ...markedText(kept.join('')));
  const show = () => {
    const shown = rows.map(rowView);
    held.replaceWith(...shown);
    bar.remove();
    page.unfold(key);
    const [first] = shown;
    if (first === undefined) return;
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  };
  const bar = foldBar(amountsInWords([amount]), '', `unfold-${key}`, show);
  // Its words are no part of the text.
  bar.dataset.char = '';
  return { elements: [held, bar], amount, show };
}

const tags = { same: 'div', out: 'del', in: 'ins' } as const;
const signs = { same: ' ', out: '−', in: '+' } as const;

function rowView({ kind, text, at, only }: Row): HTMLElement {
  const line = only === 'space' ? spaces(text) : markedText(text);
  const row = h(
    tags[kind],
    { class: `line line-${kind}`, 'data-at': String(at), 'data-sign': signs[kind] },
    h('span', { class: 'line-text' }, ...line, ...(text.endsWith('\n') ? [] : [noEnd()])),
  );
  if (kind === 'out') row.dataset.char = '';
  return row;
}

const noEnd = () =>
  h(
    'span',
    { class: 'mark mark-return', 'data-char': '', title: 'The text ends here, without a line end' },
    'no line end',
  );

/** A line of which only the white space changes: it shows. */
function spaces(text: string): Node[] {
  return text
    .split(/([ \t]+)/)
    .flatMap((piece) =>
      /^[ \t]/.test(piece)
        ? [
            h(
              'span',
              { class: 'blank', 'data-char': piece },
              piece.replaceAll(' ', '·').replaceAll('\t', '→\t'),
            ),
          ]
        : markedText(piece),
    );
}

/** How many lines come and go: `+3 −1`. */
export function statsOf(rows: readonly Row[]): { short: string; long: string } {
  const count = (kind: Row['kind']) => rows.filter((row) => row.kind === kind).length;
  const [added, gone] = [count('in'), count('out')];
  return {
    short: `+${added} −${gone}`,
    long: `${inWords(added, 'line')} added, ${inWords(gone, 'line')} taken away`,
  };
}
