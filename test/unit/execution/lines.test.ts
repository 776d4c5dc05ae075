import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLines } from '../../../src/execution/lines.ts';

function linesOf(pieces: readonly string[]): string[] {
  const lines: string[] = [];
  const { push, end } = createLines((line) => lines.push(line));
  for (const piece of pieces) push(piece);
  end();
  return lines;
}

describe('a stream of text', () => {
  it('cut into pieces anywhere gives the same lines, and they join to the same text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 10 }),
      fc.stringMatching(/^[\n a]{0,6}$/),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const lines = linesOf(pieces);
        expect(lines).toEqual(linesOf([text]));
        expect(lines.every((line) => !line.includes('\n'))).toBe(true);
        const ended = text.endsWith('\n') || text === '' ? '' : '\n';
        expect(lines.map((line) => `${line}\n`).join('')).toBe(text + ended);
      }),
    );
  });

  it('loses nothing but white space where a line is too long', () => {
    const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 3000 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const lines = linesOf(words.map((one) => `${one} `));
        const bare = (text: string) => text.replaceAll(/[ \t]/g, '');
        expect(bare(lines.join(''))).toBe(bare(words.join('')));
      }),
      { numRuns: 30 },
    );
  });

  it('is cut where it is too long at white space only, for a secret holds none', () => {
    const secret = 'k'.repeat(100);
    for (let before = 8100; before < 8200; before += 7) {
      const lines = linesOf(['w '.repeat(before / 2), secret, ' and more']);
      expect(lines.length).toBeGreaterThan(1);
      expect(lines.filter((line) => line.includes(secret))).toHaveLength(1);
    }
  });

  it('without any white space stays one line', () => {
    expect(linesOf(['x'.repeat(20_000), 'y'])).toEqual([`${'x'.repeat(20_000)}y`]);
  });

  it('passes each line on as soon as it is complete', () => {
    const lines: string[] = [];
    const { push } = createLines((line) => lines.push(line));
    push('one\ntw');
    expect(lines).toEqual(['one']);
    push('o\n');
    expect(lines).toEqual(['one', 'two']);
  });

  it('of one long line in small pieces takes time that grows with its length, not its square', () => {
    const began = performance.now();
    const pieces = Array.from({ length: 500_000 }, () => 'QUJD');
    expect(linesOf(pieces)).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
