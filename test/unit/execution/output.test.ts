import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutput, mostLogged } from '../../../src/execution/output.ts';

function written(chunks: readonly Uint8Array[]) {
  const lines: string[] = [];
  const output = createOutput((level, line) => lines.push(`${level} ${line}`));
  const push = output.stream('OUTPUT');
  for (const chunk of chunks) push(chunk);
  output.end();
  return { lines, output };
}
const bytes = (text: string) => Buffer.from(text);

describe('the output of a command in the log', () => {
  it('is the same wherever it is cut into chunks, in the middle of a character too', () => {
    const text = fc.string({ unit: 'binary', maxLength: 50 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (all, cuts) => {
        const whole = bytes(all);
        const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length];
        at.sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, n) => whole.subarray(at[n], end));
        const { lines, output } = written(chunks);
        expect(lines).toEqual(written([whole]).lines);
        expect(output.bytes()).toBe(whole.length);
      }),
    );
  });

  it('shows U+FFFD for what is no UTF-8, and leaves out the carriage return of a line', () => {
    expect(written([Buffer.from([0x61, 0xff, 0x62, 0x0d, 0x0a, 0xe2, 0x82])]).lines).toEqual([
      ...['OUTPUT a\ufffdb', 'OUTPUT \ufffd'],
    ]);
  });

  it('holds so many bytes, then a line that says so, and counts on', () => {
    const line = `${'word '.repeat(15)}end\n`;
    const chunk = bytes(line.repeat(100));
    const chunks = Array.from({ length: 200 }, () => chunk);
    const { lines, output } = written(chunks);
    expect(output.bytes()).toBe(chunk.length * 200);
    expect(output.isCut()).toBe(true);
    expect(lines.at(-1)).toMatch(/^WARNING .* further output is left out/);
    const text = lines.slice(0, -1).map((one) => `${one.slice('OUTPUT '.length)}\n`);
    expect(Buffer.byteLength(text.join(''))).toBeLessThanOrEqual(mostLogged.bytes + 1);
    expect(Buffer.byteLength(text.join(''))).toBeGreaterThan(mostLogged.bytes - line.length);
  });

  it('of exactly as much as fits is whole', () => {
    for (const text of ['x'.repeat(mostLogged.bytes), '\n'.repeat(mostLogged.lines)]) {
      const { lines, output } = written([bytes(text)]);
      expect(output.isCut()).toBe(false);
      expect(lines.some((line) => line.startsWith('WARNING'))).toBe(false);
    }
  });

  it('holds so many lines, however short', () => {
    const { lines } = written([bytes('\n'.repeat(mostLogged.lines + 1))]);
    expect(lines).toHaveLength(mostLogged.lines + 1);
    expect(lines.at(-1)).toContain('further output is left out');
    const { lines: last } = written([bytes(`${'\n'.repeat(mostLogged.lines)}end`)]);
    expect(last.at(-1)).toContain('further output is left out');
  });

  it('never ends in half a word, which could be half a secret', () => {
    const secret = 'sk-0123456789abcdefghij';
    for (let before = mostLogged.bytes - 30; before < mostLogged.bytes + 2; before += 1) {
      const text = bytes(`${'y'.repeat(before - 1)} ${secret} and more`);
      const { lines } = written([text.subarray(0, 100), text.subarray(100)]);
      const logged = lines.join('\n').replaceAll(secret, '');
      expect(logged).not.toContain('sk-');
    }
  });

  it('of one stream stops where the other has used up the room', () => {
    const lines: string[] = [];
    const output = createOutput((level, line) => lines.push(`${level} ${line}`));
    const [out, err] = [output.stream('OUTPUT'), output.stream('STDERR')];
    err(bytes('one two sk-01234'));
    out(bytes('x\n'.repeat(15_000)));
    out(bytes('y'.repeat(mostLogged.bytes)));
    err(bytes('56789\nlate\n'));
    output.end();
    expect(lines.slice(-2)).toEqual(['STDERR one two', expect.stringMatching(/^WARNING /)]);
  });
});
