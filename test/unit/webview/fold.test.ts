import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amountsInWords, countLines, fold } from '../../../webview/fold.ts';

const lines = (n: number) => Array.from({ length: n }, (_, at) => `line ${at + 1}`).join('\n');

test('head and tail together are the text', () => {
  const long = fc.string({ unit: 'grapheme', maxLength: 200 });
  fc.assert(
    fc.property(long, fc.integer({ min: 1, max: 400 }), (text, times) => {
      const all = text.repeat(times);
      const { head, tail } = fold(all);
      expect(head + tail).toBe(all);
    }),
  );
});

test('what is short does not fold', () => {
  expect(fold(lines(40))).toMatchObject({ head: lines(40), tail: '' });
});

test('many lines fold at the end of one, and it is told how many', () => {
  expect(fold(lines(1200))).toMatchObject({
    head: `${lines(24)}\n`,
    total: '1,200 lines',
    hidden: { count: 1176, unit: 'line' },
  });
});

test('one very long line folds by characters, and never inside of one', () => {
  const { head, hidden, total } = fold(`a${'😀'.repeat(5000)}`);
  expect(head.isWellFormed()).toBe(true);
  expect(head.length).toBeLessThanOrEqual(3000);
  expect(total).toBe('10,001 characters');
  expect(amountsInWords([hidden])).toMatch(/^7,00\d characters$/);
});

test('few lines that are very long fold too', () => {
  const { head, tail } = fold(`${'x'.repeat(5000)}\n${'y'.repeat(5000)}`);
  expect(head).toBe('x'.repeat(3000));
  expect(tail).not.toBe('');
});

test('lines are counted as an editor does', () => {
  expect([countLines(''), countLines('a'), countLines('a\n'), countLines('a\n\n')]).toEqual([
    0, 1, 1, 2,
  ]);
});

test('what is folded adds up by what it is', () => {
  const amounts = [
    { count: 1176, unit: 'line' },
    { count: 40, unit: 'unchanged line' },
    { count: 66, unit: 'line' },
    { count: 1, unit: 'character' },
  ] as const;
  expect(amountsInWords(amounts)).toBe('1,242 lines, 40 unchanged lines, 1 character');
  expect(amountsInWords([])).toBe('');
});
