import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageOf, durationOf, fenced, logLines, oneLine } from '../../../src/editor/text.ts';

describe('text that anyone may have written', () => {
  test('shows its bidirectional, invisible and control characters', () => {
    expect(oneLine('a\u202eb\u200bc\u0007d\ufeff', 99)).toBe(
      'a\\u{202E}b\\u{200B}c\\u{0007}d\\u{FEFF}',
    );
    expect(fenced('a\r\nb\rc\td')).toBe('```text\na\nb\\u{000D}c\td\n```');
  });

  test('fits into one line, cut between characters', () => {
    expect(oneLine('  a\n\n b\tc ', 10)).toBe('a b c');
    expect(oneLine('👍👍👍👍', 3)).toBe('👍👍…');
  });

  test('cannot end the code block that it stands in', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('`', '~', '\n', '\r', ' ', 'a', '\u2028') }),
        (text) => {
          const [first = '', ...rest] = fenced(text).split('\n');
          const fence = first.replace('text', '');
          const closing = new RegExp(`^ {0,3}\`{${fence.length},}\\s*$`);
          expect(rest.findIndex((line) => closing.test(line))).toBe(rest.length - 1);
        },
      ),
    );
  });
});

describe('age', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  test.each([
    ['2026-03-01T11:59:30Z', 'now', 'just now'],
    ['2026-03-01T12:00:30Z', 'now', 'just now'],
    ['2026-03-01T11:59:00Z', '1 min', '1 minute ago'],
    ['2026-03-01T09:00:00Z', '3 h', '3 hours ago'],
    ['2026-02-27T12:00:00Z', '2 d', '2 days ago'],
    ['someday', 'undated', 'at an unknown time'],
  ])('of %s is %s', (since, short, long) => {
    expect(ageOf(since, now)).toEqual({ short, long });
  });
});

test.each([
  ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00.420Z', '420 ms'],
  ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.420Z', '1.4 s'],
  ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:12.000Z', '12 s'],
  ['2026-03-01T12:00:00.000Z', '2026-03-01T12:03:12.000Z', '3 min'],
  ['2026-03-01T12:00:01.000Z', '2026-03-01T12:00:00.000Z', '0 ms'],
  ['2026-03-01T12:00:00.000Z', null, null],
  ['someday', '2026-03-01T12:00:00.000Z', null],
])('from %s to %s it took %s', (from, to, told) => {
  expect(durationOf(from, to)).toBe(told);
});

test('a log has a line for each entry, and further lines of a message cannot pass for one', () => {
  const ts = '2026-03-01T12:00:00.000Z';
  expect(
    logLines([
      { ts, level: 'INFO', msg: 'one\n2026-03-01 forged\u202e' },
      { ts, level: 'ERROR', msg: 'two', step: 'prompt' },
    ]),
  ).toBe(`${ts} INFO  one\n    2026-03-01 forged\\u{202E}\n${ts} ERROR [prompt] two\n`);
});
