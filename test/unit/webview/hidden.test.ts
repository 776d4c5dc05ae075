import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hiddenIn, pieces, plain } from '../../../webview/hidden.ts';

const joined = (text: string) =>
  pieces(text)
    .map((piece) => (typeof piece === 'string' ? piece : piece.char))
    .join('');
const labels = (text: string) =>
  pieces(text).flatMap((piece) => (typeof piece === 'string' ? [] : [piece.label]));

/** Text with a good share of what hides. */
const tricky = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u202e',
      '\u200b',
      '\r',
      '\n',
      '\ufeff',
      '\u00a0',
      '\u{e0041}',
      '❤️',
      '👩‍👩‍👧',
      '\u2028',
      '\t',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

describe('pieces', () => {
  test('joined again are the text', () => {
    fc.assert(
      fc.property(tricky, (text) => {
        expect(joined(text)).toBe(text);
      }),
    );
  });

  test('leave no control or format character in what is shown as it is, except in emoji', () => {
    fc.assert(
      fc.property(tricky, (text) => {
        const shown = pieces(text).filter((piece) => typeof piece === 'string');
        const bare = shown.join(' ').replaceAll('❤️', '').replaceAll('👩‍👩‍👧', '');
        expect(bare).not.toMatch(/(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u2800]/u);
      }),
    );
  });

  test.each([
    ['\u202eabc\u202c', ['RLO', 'PDF']],
    ['a\u200bb\u2060c', ['ZWSP', 'WJ']],
    ['tag \u{e0068}\u{e0069}', ['U+E0068', 'U+E0069']],
    ['filler \u3164 and \u2800', ['U+3164', 'U+2800']],
    ['a\u0000b\u001b[31m', ['NUL', 'ESC']],
    ['hard\u00a0space', ['NBSP']],
    ['one\r\ntwo\rthree', ['CR', 'CR']],
    ['\ufefftext\ufeff', ['BOM', 'BOM']],
    ['x\ufe0f', ['U+FE0F']],
    ['❤\ufe0f\ufe0f\u200d', ['U+FE0F', 'ZWJ']],
    ['🏴\u{e0061}\u{e007f}', ['U+E0061', 'U+E007F']],
  ])('%j has %j', (text, expected) => {
    expect(labels(text)).toEqual(expected);
  });

  test.each(['plain text\n\twith tab', 'emoji ❤️ 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'שלום', 'naïve'])(
    '%j has none',
    (text) => {
      expect(labels(text)).toEqual([]);
    },
  );
});

describe('what a person is told', () => {
  test.each([
    ['nothing hidden', []],
    ['\u202ea\u202c', ['2 characters that change the reading direction']],
    ['a\u200b', ['1 invisible character']],
    ['a\u0007', ['1 control character']],
    ['\ufeffa', ['1 byte order mark at the beginning']],
    ['a\u00a0b', ['1 unusual space']],
    ['a\r\nb\r\n', ['all 2 line ends are CRLF']],
    ['a\r\nb\n', ['mixed line ends (1 CRLF, 1 LF)']],
    ['a\rb', ['1 carriage return without a line feed']],
  ])('of %j is %j', (text, told) => {
    expect(hiddenIn(text)).toEqual(told);
  });

  test('counts HTML comments, where the text also shows as Markdown', () => {
    expect(hiddenIn('a <!-- b --> <!-- c', true)).toEqual(['2 HTML comments']);
    expect(hiddenIn('a <!-- b -->')).toEqual([]);
  });
});

test('plain text has one line, in which what hides stands out', () => {
  expect(plain(' a\u202eb\r\n c\u00a0d ')).toBe('a\ufffdb c d');
});
