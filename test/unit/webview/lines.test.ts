import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bothCrlf,
  compare,
  hiddenChanges,
  linesOf,
  type Row,
  segmentsOf,
} from '../../../webview/lines.ts';

const line = fc.constantFrom('a', 'b', 'c  d', '', '\t', 'é', 'x\u200by', '\ufeff');
const text = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '')), { maxLength: 60 })
  .map((parts) => parts.flat().join(''));
const numbered = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}\n`);
const rowsOf = (before: string, after: string): Row[] => {
  const rows = compare(before, after);
  if (rows === null) throw new Error('They can be compared.');
  return rows;
};
const side = (rows: readonly Row[], other: Row['kind']) =>
  rows
    .filter(({ kind }) => kind !== other)
    .map((row) => row.text)
    .join('');

describe('a comparison', () => {
  test('holds both texts to the last character', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const rows = rowsOf(before, after);
        expect(side(rows, 'in')).toBe(before);
        expect(side(rows, 'out')).toBe(after);
        expect(linesOf(after).join('')).toBe(after);
      }),
    );
  });

  test('numbers the lines of each side', () => {
    const rows = rowsOf('a\nb\nc\n', 'a\nX\nc\nd\n');
    expect(rows.map(({ kind, at }) => `${kind} ${at}`)).toEqual([
      'same 1',
      'out 2',
      'in 2',
      'same 3',
      'in 4',
    ]);
  });

  test('gives up on texts that have nothing in common', () => {
    const other = numbered(5000).map((one) => `other ${one}`);
    expect(compare(numbered(5000).join(''), other.join(''))).toBe(null);
  });
});

describe('its pieces', () => {
  const pieces = (rows: readonly Row[]) =>
    segmentsOf(rows).map(({ rows: { length }, folded }) => [length, folded]);

  test('are the comparison, whatever is folded', () => {
    const long = fc.tuple(text, fc.array(text, { maxLength: 20 }));
    fc.assert(
      fc.property(long, long, ([a, more], [b, others]) => {
        const rows = rowsOf(a + more.join(a), b + others.join(b));
        expect(segmentsOf(rows).flatMap((segment) => segment.rows)).toEqual(rows);
      }),
    );
  });

  test('keep three lines beside a change in sight', () => {
    const after = numbered(100).with(49, 'changed\n');
    expect(pieces(rowsOf(numbered(100).join(''), after.join('')))).toEqual([
      [46, 'unchanged'],
      [8, null],
      [47, 'unchanged'],
    ]);
  });

  test('fold what is too much to look at, and nothing for a few lines', () => {
    expect(pieces(rowsOf('', numbered(1000).join('')))).toEqual([
      [160, null],
      [840, 'rest'],
    ]);
    expect(pieces(rowsOf('', numbered(164).join('')))).toEqual([[164, null]]);
    const changed = numbered(3000).map((one, at) => (at % 10 === 0 ? `x${one}` : one));
    const all = segmentsOf(rowsOf(numbered(3000).join(''), changed.join('')));
    expect(all.at(-1)?.folded).toBe('rest');
    const shown = all.filter(({ folded }) => folded === null).flatMap(({ rows }) => rows);
    expect(shown).toHaveLength(160);
  });
});

describe('what a comparison hides', () => {
  test.each([
    ['a\nb\n', 'a\nc\n', []],
    ['a b\nc\n', 'a  b\nc\n', ['1 line changes in white space only']],
    ['\tx\n\ty\n', '  x\n  y\n', ['2 lines change in white space only']],
    ['a\nb\n', 'a\r\nb\r\n', ['line ends change from LF to CRLF']],
    ['a\r\nb\r\n', 'a\r\nb\n', ['line ends change from CRLF to mixed']],
    ['a\n', '\ufeffa\n', ['a byte order mark is added']],
    ['\ufeffa\nb\n', 'a\nc\n', ['the byte order mark is taken away']],
    ['a\n', 'a\nb\u200b\n', ['1 invisible character']],
    ['a\u200b\nb\n', 'a\u200b\nc\n', []],
    ['a\n', 'a\u202e\n', ['1 character that changes the reading direction']],
  ])('from %j to %j is %j', (before, after, told) => {
    expect(hiddenChanges(before, after, rowsOf(before, after))).toEqual(told);
  });

  test('of a file that is new is all that hides in it', () => {
    expect(hiddenChanges(null, '\ufeffa\r\n', null)).toEqual([
      '1 byte order mark at the beginning',
      '1 line end is CRLF',
    ]);
  });

  test('marks a line that only ends otherwise apart from one with other spaces', () => {
    const only = rowsOf('a\nb c\n', 'a\r\nb  c\n').flatMap((row) => row.only ?? []);
    expect(only.toSorted()).toEqual(['end', 'end', 'space', 'space']);
  });
});

test('line ends that stay CRLF are nothing to look at', () => {
  expect(bothCrlf('a\r\n', 'b\r\n')).toBe(true);
  expect(bothCrlf('a\r\n', 'b\n')).toBe(false);
  expect(bothCrlf('', 'b\r\n')).toBe(false);
});
