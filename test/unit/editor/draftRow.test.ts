import { expect, test } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import { draftStatuses } from '../../../src/contract/records.ts';
import { draftRow } from '../../../src/editor/trees/draftRow.ts';

const now = Date.parse('2026-03-01T12:05:00Z');
const draft = (more: object = {}) =>
  Draft.parse({
    id: 'd_1772366400000_abcdef',
    prompt: 'Explain the tests',
    provider: 'offline',
    provider_resolved: null,
    status: 'draft',
    created_at: '2026-03-01T12:00:00.000Z',
    ...more,
  });

test('a row tells age, provider and state, to eyes and to a screen reader', () => {
  const row = draftRow(draft(), now);
  expect(row.label).toBe('Explain the tests');
  expect(row.description).toBe('5 min · offline · waiting');
  expect(row.spoken).toBe('waiting draft, Explain the tests, offline, 5 minutes ago');
  // What became of it comes first, as the end is cut off in a narrow side bar.
  expect(draftRow(draft({ status: 'rejected' }), now).description).toBe(
    'rejected · 5 min · offline',
  );
});

test('every state has an icon and a flag of its own', () => {
  const rows = draftStatuses.map((status) => draftRow(draft({ status }), now));
  expect(new Set(rows.map(({ icon }) => icon.id)).size).toBe(draftStatuses.length);
  expect(rows.map(({ contextValue }) => contextValue)).toEqual([
    'draft;waiting;draft;',
    'draft;settled;rejected;',
    'draft;settled;approved;',
    'draft;settled;error;',
  ]);
});

test('everything that others wrote stands inside code blocks of the tooltip', () => {
  const evil = '[x](command:y) <b> ``` https://z $(alert)';
  const row = draftRow(draft({ prompt: evil, provider: evil, error: evil, created_by: evil }), now);
  const outside = row.tooltip.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '');
  expect(outside.trim()).toMatch(/^\*\*Waiting\*\* \(made 5 minutes ago\)\s+---$/);
});

test('a prompt that the server cut says so in the tooltip', () => {
  expect(draftRow({ ...draft(), prompt_truncated: true }, now).tooltip).toContain('the tests…');
});
