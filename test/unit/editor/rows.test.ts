import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createClient } from '../../../src/client/client.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { ApprovedListItem } from '../../../src/contract/operations.ts';
import { Approved, RunStep, runStatuses, stepStatuses } from '../../../src/contract/records.ts';
import { RunListItem } from '../../../src/contract/rows/runs.ts';
import { approvedRow } from '../../../src/editor/trees/approvedRow.ts';
import { runRow, stepRow } from '../../../src/editor/trees/runRow.ts';
import { createTitledRuns } from '../../../src/editor/trees/titledRuns.ts';
import { createTitles } from '../../../src/editor/trees/titles.ts';

const now = Date.parse('2026-03-01T12:05:00Z');
const evil = '[x](command:y) <b> ``` https://z $(alert)';
/** What is left of a tooltip without its code blocks, in which nothing acts. */
const outside = (tooltip: string) => tooltip.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '').trim();

const artifact = (more: object = {}) =>
  ApprovedListItem.parse({
    ...{ id: 'a_1772366400000_abcdef', draft_id: 'd_1772366400000_abcdef', prompt: 'Explain' },
    ...{ approved_at: '2026-03-01T12:00:00.000Z', approved_by: 'editor:0' },
    ...{ runnable: true, blocked_reason: null },
    provider_resolved: { name: 'offline', type: 'offline', origin: null, model: 'offline' },
    ...more,
  });

const run = (more: object = {}) =>
  RunListItem.parse({
    ...{ id: 'r_1772366400000_abcdef', approved_id: 'a_1772366400000_abcdef' },
    ...{ status: 'done', created_at: '2026-03-01T12:00:00.000Z' },
    ...more,
  });

describe('an artifact', () => {
  test('that can run says so, to eyes, to menus and to a screen reader', () => {
    const row = approvedRow(artifact(), now);
    expect(row.description).toBe('runnable · 5 min · offline');
    expect(row.contextValue).toBe('approved;runnable;');
    expect(row.spoken).toBe('runnable artifact, Explain, offline, approved 5 minutes ago');
  });

  test('that cannot run says why', () => {
    const row = approvedRow(artifact({ runnable: false, blocked_reason: 'No seal.' }), now);
    expect(row.contextValue).toBe('approved;blocked;');
    expect(row.tooltip).toMatch(/^blocked +No seal\.$/m);
  });

  test('that has expired since the server was asked is blocked', () => {
    const at = (expires_at: string) => approvedRow(artifact({ expires_at }), now).contextValue;
    expect(at('2026-03-01T12:05:01Z')).toBe('approved;runnable;');
    expect(at('2026-03-01T12:05:00Z')).toBe('approved;blocked;');
  });
});

test('an artifact that was used up says by which run, and calmly', () => {
  const blocked_reason = 'It was spent.';
  const used = { consumed_by: 'r_1_abcdef', runnable: false, blocked_reason };
  const row = approvedRow(artifact(used), now);
  expect(row.description).toBe('spent · 5 min · offline');
  expect(row.contextValue).toBe('approved;spent;');
  expect(row.icon.color).toBe('disabledForeground');
  expect(row.tooltip).toMatch(/^spent on +r_1_abcdef$/m);
});

describe('a run', () => {
  test('is named after what it carries out, or by its id if that is gone', () => {
    const times = { started_at: '2026-03-01T12:00:01.000Z', finished_at: '2026-03-01T12:00:13Z' };
    const row = runRow({ run: run(times), title: 'Explain' }, now);
    expect(row).toMatchObject({ label: 'Explain', description: 'done in 12 s · 5 min' });
    expect(runRow({ run: run(), title: null }, now).label).toBe('r_1772366400000_abcdef');
  });

  test('has an icon for every state, which turns while it runs', () => {
    const rows = runStatuses.map((status) => runRow({ run: run({ status }), title: 'x' }, now));
    expect(new Set(rows.map(({ icon }) => icon.id)).size).toBe(runStatuses.length);
    expect(rows.map(({ contextValue }) => contextValue)).toEqual([
      'run;live;pending;',
      'run;live;running;',
      'run;live;paused;',
      'run;over;done;',
      'run;over;error;',
      'run;over;cancelled;',
    ]);
    expect(rows[1]?.icon.id).toMatch(/~spin$/);
  });

  test('that waits names its gate, and one that will pause says so', () => {
    const gate = { id: 'g', kind: 'gate', title: 'Look at it', status: 'running' };
    const waits = run({ status: 'paused', steps: [gate] });
    expect(runRow({ run: waits, title: 'x' }, now).description).toBe('waits: Look at it · 5 min');
    const asked = run({ status: 'paused', steps: [{ ...gate, status: 'waiting' }] });
    expect(runRow({ run: asked, title: 'x' }, now).description).toBe('paused · 5 min');
    const pausing = run({ status: 'running', pause_requested: true });
    expect(runRow({ run: pausing, title: 'x' }, now).description).toBe('pausing · 5 min');
  });

  test('that was undone says that, and not that it is done', () => {
    const times = { started_at: '2026-03-01T12:00:01.000Z', finished_at: '2026-03-01T12:00:13Z' };
    const undone = { ...times, status: 'done', undone_at: '2026-03-01T12:04:00.000Z' };
    const row = runRow({ run: run(undone), title: 'Explain' }, now);
    expect(row).toMatchObject({ description: 'undone · 5 min', icon: { id: 'discard' } });
  });

  test('that changed files has a flag for its undo', () => {
    const row = runRow({ run: run(), title: 'x', undoable: true }, now);
    expect(row.contextValue).toBe('run;over;done;undoable;');
  });

  test('shows what came of each step', () => {
    const row = (more: object) =>
      stepRow(RunStep.parse({ id: 's', status: 'done', ...more, ...times }), 2);
    const times = { started_at: '2026-03-01T12:00:01.000Z', finished_at: '2026-03-01T12:00:02Z' };
    const files = [
      { path: 'a.ts', did: 'changed', sha256: null },
      { path: 'b.ts', did: 'created', sha256: null },
    ];
    const edit = row({ kind: 'edit', title: 'Rename it', result: { files } });
    expect(edit.label).toBe('2. Rename it');
    expect(edit.description).toBe('done in 1.0 s · 2 files · change files');
    expect(edit.tooltip).toContain('created  b.ts');
    const command = row({ kind: 'command', status: 'error', result: { exit_code: 3 } });
    expect(command.description).toBe('error in 1.0 s · exit 3 · s');
    expect(
      row({ kind: 'command', result: { exit_code: null, signal: 'SIGKILL' } }).description,
    ).toBe('done in 1.0 s · SIGKILL · s');
    const gate = stepRow(RunStep.parse({ id: 'g', kind: 'gate', status: 'running' }), 1);
    expect(gate).toMatchObject({ description: 'waits for you · g', icon: { id: 'debug-pause' } });
  });

  test('shows each step, with the state that it has', () => {
    const rows = stepStatuses.map((status) =>
      stepRow(RunStep.parse({ id: 'one', kind: 'prompt', status }), 1),
    );
    expect(rows[0]).toMatchObject({ label: '1. Ask the model', description: 'waiting · one' });
    expect(new Set(rows.map(({ icon }) => icon.id)).size).toBe(stepStatuses.length);
  });
});

test('everything that others wrote stands inside code blocks of the tooltips', () => {
  const tooltips = [
    approvedRow(artifact({ prompt: evil, blocked_reason: evil, runnable: false }), now).tooltip,
    runRow({ run: run({ error: evil, actor: evil }), title: evil }, now).tooltip,
    stepRow(RunStep.parse({ id: evil, kind: 'prompt', status: 'done', result: { text: evil } }), 1)
      .tooltip,
  ];
  for (const tooltip of tooltips) {
    expect(tooltip).toContain('command:y');
    expect(outside(tooltip)).toMatch(/^\*\*[\w ]+\*\*[\w :()]*(\s+---)?$/);
  }
});

test('the prompt behind runs is read once an artifact, and one that is gone has none', async () => {
  const asked: string[] = [];
  const known = Approved.parse({ ...artifact(), content: '' });
  const client = createClient({
    async send(_id, args) {
      asked.push(JSON.stringify(args));
      if (asked.length === 1) return { status: 200, body: known };
      throw new GimoError('not_found', 'gone');
    },
  });
  const titlesOf = createTitles();
  await titlesOf(client, [run(), run()]);
  const titles = await titlesOf(client, [run(), run({ approved_id: 'a_1_000000' })]);
  expect([...titles]).toEqual([['a_1772366400000_abcdef', { prompt: 'Explain', edits: false }]]);
  expect(asked).toHaveLength(2);
});

test('whether a run changed files is asked once, and only of one that could have', async () => {
  const asked: string[] = [];
  const steps = [{ id: 's', kind: 'edit', changes: [{ path: 'a', text: 'b' }] }];
  const done = { id: 's', kind: 'edit', status: 'done' };
  const client = createClient({
    async send(id, args) {
      asked.push(id);
      if (id === 'getApproved') return { status: 200, body: { ...artifact(), content: '', steps } };
      const { run_id = '' } = z.object({ run_id: z.string() }).parse(args);
      return { status: 200, body: run({ id: run_id, status: 'error', steps: [done] }) };
    },
  });
  const titled = createTitledRuns();
  const runs = [run(), run({ id: 'r_2', status: 'running' }), run({ id: 'r_3', status: 'error' })];
  const flags = async () => (await titled(client, runs)).map(({ undoable }) => undoable);
  expect(await flags()).toEqual([true, false, true]);
  expect(await flags()).toEqual([true, false, true]);
  expect(asked).toEqual(['getApproved', 'getRun']);
  const undone = runs.map((one) => ({ ...one, undone_at: one.created_at }));
  expect((await titled(client, undone)).map(({ undoable }) => undoable)).toEqual(
    runs.map(() => false),
  );
});
