import { describe, expect, it } from 'vitest';
import { fitRecord, fitText, fitting, mostCharacters } from '../../../src/http/fit.ts';

const size = (value: unknown) => JSON.stringify(value).length;

describe('an answer to an Actions client', () => {
  it('that fits is as it is', () => {
    const record = { id: 'd_1', digest: 'abc', content: 'x'.repeat(50_000) };
    expect(fitRecord(record)).toBe(record);
    expect(fitText('short\n')).toBe('short\n');
  });

  it('is cut where it is too long, says so, and can no longer be approved by its digest', () => {
    const record = { id: 'd_1', digest: 'abc', prompt: 'p', content: 'x'.repeat(200_000) };
    const short = fitRecord(record);
    expect(size(short)).toBeLessThanOrEqual(mostCharacters);
    expect(short).toMatchObject({ id: 'd_1', digest: null, prompt: 'p', answer_truncated: true });
    expect(Object(short).content).toContain('[truncated: 180000 more characters]');
  });

  it.each([
    ['a long log', { log: Array.from({ length: 50_000 }, (_, n) => ({ msg: `line ${n}` })) }],
    ['many long strings', { steps: Array.from({ length: 500 }, () => 'y'.repeat(3000)) }],
    [
      'many fields',
      Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`field${n}`, 'z'.repeat(90)])),
    ],
    ['what is escaped', { content: '\u0001'.repeat(90_000) }],
    ['depth', { a: { b: { c: { d: 'e'.repeat(150_000) } } } }],
  ])('fits whatever makes it long: %s', (_what, record) => {
    expect(size(fitRecord(record))).toBeLessThanOrEqual(mostCharacters);
  });

  it('of a list holds as many records as fit, at least one', () => {
    const records = Array.from({ length: 50 }, (_, n) => ({ id: n, content: 'x'.repeat(10_000) }));
    const most = fitting(records);
    expect(most).toBe(9);
    expect(size(records.slice(0, most))).toBeLessThanOrEqual(mostCharacters);
    expect(fitting([{ content: 'x'.repeat(200_000) }, { id: 2 }])).toBe(1);
    expect(fitting([{ id: 1 }, { id: 2 }])).toBe(2);
  });

  it('that is text ends with a whole line and a word about the rest', () => {
    const text = Array.from({ length: 30_000 }, (_, n) => `line ${n}\n`).join('');
    const short = fitText(text);
    expect(short.length).toBeLessThanOrEqual(mostCharacters);
    const lines = short.trimEnd().split('\n');
    const count = lines.length - 1;
    expect(lines.at(-2)).toBe(`line ${count - 1}`);
    expect(lines.at(-1)).toBe(`[truncated after ${count} lines: ask for a smaller part]`);
  });

  it('never ends in half of a character', () => {
    const short = fitRecord({ content: '😀'.repeat(100_000) });
    expect(JSON.stringify(short).isWellFormed()).toBe(true);
    expect(Object(short).content.isWellFormed()).toBe(true);
    expect(fitText('😀'.repeat(100_000)).isWellFormed()).toBe(true);
  });
});
