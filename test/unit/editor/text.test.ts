import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageOf, fenced, oneLine } from '../../../src/editor/text.ts';

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
