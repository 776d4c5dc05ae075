import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const rows = readFileSync(at('docs/DEFECTS.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, number = '', , file = '', title = '']) => ({ number: Number(number), file, title }));

describe('docs/DEFECTS.md', () => {
  test('has a row for each of the 33', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 33 }, (_, n) => n + 1));
  });

  test.each(rows)('$number: $file has the test that it names', ({ file, title }) => {
    expect(existsSync(at(file)), file).toBe(true);
    // As the first argument, whichever way the call is broken into lines.
    expect(readFileSync(at(file), 'utf8')).toContain(`'${title}',`);
  });
});
