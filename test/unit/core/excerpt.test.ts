import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBytes, linesOf } from '../../../src/core/excerpt.ts';

describe('an excerpt', () => {
  it('whoever follows its markers reads the whole file, each line once', () => {
    const line = fc.oneof(fc.string({ maxLength: 30 }), fc.constant('ö'.repeat(2000)));
    const files = fc
      .array(line, { maxLength: 1500 })
      .map((lines) =>
        lines.map((text) => `${text.replace(/[\r\n]/g, '').toWellFormed()}\n`).join(''),
      );
    const marker = /\n?\[truncated: the file goes on at line (\d+)\]\n$/;
    fc.assert(
      fc.property(files, (text) => {
        let read = '';
        let from = 1;
        for (;;) {
          const part = linesOf(text, { start_line: from, end_line: from + 10_000 });
          const next = marker.exec(part);
          if (next === null) {
            read += part;
            break;
          }
          expect(Number(next[1])).toBeGreaterThan(from);
          read += `${part.slice(0, next.index)}\n`;
          from = Number(next[1]);
        }
        expect(read).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  it('never ends in half of a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(100), (text, most) => {
        const cut = cutBytes(text, most);
        expect(text.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(
          Math.max(most, text.length * 3 <= most ? most : 0),
        );
      }),
    );
  });
});
