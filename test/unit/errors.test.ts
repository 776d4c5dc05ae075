import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorStatus } from '../../src/contract/errors.ts';

test('docs/ERRORS.md lists every error code with its status, when it comes and what to do', () => {
  const page = readFileSync(new URL('../../docs/ERRORS.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const told = rows.map(([, code, status]) => [code?.replaceAll('`', ''), Number(status)]);
  expect(told).toEqual(Object.entries(errorStatus));
  for (const [, code, , when, next] of rows) {
    expect(when, code).toMatch(/^[A-Z].*\.$/);
    expect(next, code).toMatch(/^[A-Z].*\.$/);
  }
});
