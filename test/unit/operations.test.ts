import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operationsTable } from '../../scripts/operations.ts';
import { opIds, table } from '../../src/contract/operations.ts';

test('docs/OPERATIONS.md is what `npm run operations` prints', () => {
  const page = readFileSync(new URL('../../docs/OPERATIONS.md', import.meta.url), 'utf8');
  expect(page.slice(page.indexOf('| operation'))).toBe(operationsTable());
});

test('no two operations share a method and a path', () => {
  const calls = opIds.map((id) => `${table[id].method} ${table[id].path}`);
  expect(new Set(calls).size).toBe(calls.length);
});
