import { diffArrays } from 'diff';
import { hiddenIn } from './hidden.ts';

/*
 * What an edit changes, line by line. A line holds its own end, so that the lines of a text are the text, and an end
 * that changes is a change.
 */

export interface Row {
  kind: 'same' | 'out' | 'in';
  text: string;
  /** Of the line in the new text; in the old one for a line that goes. From 1. */
  at: number;
  /** Set if a line of the other side says the same but for this. */
  only?: 'space' | 'end';
}

/** More different lines than this are not sorted out: it would take too long, and nobody could read the result. */
const most = { maxEditLength: 2000, timeout: 1000 };

export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** @returns null if the texts are too different to be compared */
export function compare(before: string, after: string): Row[] | null {
  const parts = diffArrays(linesOf(before), linesOf(after), most);
  if (parts === undefined) return null;
  const rows: Row[] = [];
  let old = 1;
  let now = 1;
  for (const { added, removed, value } of parts)
    for (const text of value) {
      if (removed) rows.push({ kind: 'out', text, at: old++ });
      else rows.push({ kind: added ? 'in' : 'same', text, at: now++ });
      if (!added && !removed) old++;
    }
  markAlike(rows);
  return rows;
}

/** Within each piece that changed, finds the lines that come back with other white space or another end. */
function markAlike(rows: readonly Row[]): void {
  for (let from = 0; from < rows.length; from++) {
    let to = from;
    while (to < rows.length && rows[to]?.kind !== 'same') to++;
    const piece = rows.slice(from, to);
    const gone = new Map<string, Row[]>();
    for (const row of piece.filter(({ kind }) => kind === 'out')) {
      const key = row.text.replace(/\s+/g, '');
      gone.set(key, [...(gone.get(key) ?? []), row]);
    }
    for (const row of piece.filter(({ kind }) => kind === 'in')) {
      const other = gone.get(row.text.replace(/\s+/g, ''))?.shift();
      if (other === undefined) continue;
      row.only = withoutEnd(row.text) === withoutEnd(other.text) ? 'end' : 'space';
      other.only = row.only;
    }
    from = to;
  }
}

/** What a person reads of a line: not its end, nor a mark before it. */
const withoutEnd = (line: string) => line.replace(/^\ufeff/, '').replace(/\r?\n$/, '');

/** What a comparison of two texts hides, in phrases. @param before null: there was no file */
export function hiddenChanges(
  before: string | null,
  after: string,
  rows: readonly Row[] | null,
): string[] {
  if (before === null || rows === null) return hiddenIn(after);
  const fresh = rows.filter(({ kind }) => kind === 'in').map(({ text }) => withoutEnd(text));
  const marks = [before, after].map((text) => text.startsWith('\ufeff'));
  const ends = [endsOf(before), endsOf(after)];
  const spaced = rows.filter(({ kind, only }) => kind === 'in' && only === 'space').length;
  return [
    ...(spaced === 0
      ? []
      : [`${spaced} ${spaced === 1 ? 'line changes' : 'lines change'} in white space only`]),
    ...(ends[0] === ends[1] || ends.includes('no')
      ? []
      : [`line ends change from ${ends[0]} to ${ends[1]}`]),
    ...(marks[0] === marks[1]
      ? []
      : [marks[1] ? 'a byte order mark is added' : 'the byte order mark is taken away']),
    ...hiddenIn(fresh.join('\n')),
  ];
}

function endsOf(text: string): 'LF' | 'CRLF' | 'mixed' | 'no' {
  const all = text.split('\n').length - 1;
  const crlf = text.split('\r\n').length - 1;
  if (all === 0) return 'no';
  if (crlf === 0) return 'LF';
  return crlf === all ? 'CRLF' : 'mixed';
}

/** Whether both texts end every line with CRLF: then it is nothing to look at in each of them. */
export const bothCrlf = (before: string, after: string) =>
  endsOf(before) === 'CRLF' && endsOf(after) === 'CRLF';

/** A piece of a comparison, in sight or folded. */
export interface Segment {
  rows: readonly Row[];
  /** Why it is out of sight; null if it is not. */
  folded: 'unchanged' | 'rest' | null;
}

/** Lines that stay in sight around a change. */
const around = 3;
/** A fold that hides less than this is not worth its own line. */
const least = 5;
/** More rows than this fold, whatever they are. */
const inSight = 160;

/** Cuts a comparison into pieces; all of them together are the comparison. */
export function segmentsOf(rows: readonly Row[]): Segment[] {
  const pieces = aroundChanges(rows);
  let left = inSight;
  let from = 0;
  for (const [index, { rows: piece, folded }] of pieces.entries()) {
    const shown = folded === null ? piece.length : 0;
    if (shown > left && rows.length - from - left >= least)
      return [
        ...pieces.slice(0, index),
        { rows: rows.slice(from, from + left), folded: null },
        { rows: rows.slice(from + left), folded: 'rest' as const },
      ].filter((one) => one.rows.length > 0);
    left -= shown;
    from += piece.length;
  }
  return pieces;
}

/** Folds what stays the same, but for some lines beside each change. */
function aroundChanges(rows: readonly Row[]): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  const push = (to: number, folded: Segment['folded']) => {
    if (to > from) segments.push({ rows: rows.slice(from, to), folded });
    from = to;
  };
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (rows[end]?.kind === 'same') end++;
    const first = at === 0 ? 0 : at + around;
    const last = end === rows.length ? end : end - around;
    if (last - first >= least) {
      push(first, null);
      push(last, 'unchanged');
    }
    at = end + 1;
  }
  push(rows.length, null);
  return segments;
}
