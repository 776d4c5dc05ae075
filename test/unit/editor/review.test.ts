import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { PanelSubject, ToPanel } from '../../../src/contract/panel.ts';
import { answered } from '../../../src/editor/answered.ts';
import { pageOf } from '../../../src/editor/review/page.ts';
import { createSession, recall } from '../../../src/editor/review/session.ts';
import { keyOf, subjectOf } from '../../../src/editor/review/subject.ts';
import { startServer, type TestServer } from '../../api/harness.ts';

/** A session on the real server, with all that it said. */
function sessionOn(server: TestServer | null, subject: PanelSubject) {
  const sent: ToPanel[] = [];
  const opened: PanelSubject[] = [];
  const rendered: string[] = [];
  const decided: string[] = [];
  const notes: string[] = [];
  const ends: number[] = [];
  const session = createSession({
    subject,
    client: () => server?.host.client ?? null,
    post: (message) => sent.push(message),
    open: (one) => opened.push(one),
    decisions: {
      edit: (id) => decided.push(`edit ${id}`),
      openDiff: (id) => decided.push(`diff ${id}`),
      generateAgain: (id) => decided.push(`generate ${id}`),
      resolveLockdown: () => decided.push('resolve the lockdown'),
      confirmUndo: async (id) => decided.push(`undo ${id}`) > 0,
    },
    root: () => server?.root ?? '',
    rendered: (id, digest) => rendered.push(`${id} ${digest}`),
    titled: () => {},
    readAgainIn: (ms) => ends.push(ms),
    note: (error) => notes.push(String(error)),
  });
  const types = () => sent.map(({ type }) => type);
  const last = <T extends ToPanel['type']>(type: T) =>
    sent.findLast((one): one is Extract<ToPanel, { type: T }> => one.type === type);
  return { session, sent, opened, rendered, decided, notes, ends, types, last };
}

const propose = (server: TestServer, content: string) =>
  server.host.client.call('createDraft', { prompt: 'Do it\nwell', content });

async function withDraft() {
  const server = await startServer({ hostedBy: 'editor' });
  const draft = await propose(server, 'so');
  const its = sessionOn(server, { kind: 'draft', id: draft.id });
  await its.session.receive({ type: 'ready' });
  const approve = (run: boolean) => ({
    ...{ type: 'approve', draft_id: draft.id, run },
    ...{ digest: draft.digest, shown_digest: draft.digest },
  });
  return { server, draft, approve, ...its };
}

describe('the panel of a draft', () => {
  test('is sent the draft as it is when it is ready, and nothing before or after', async () => {
    const { server, draft, session, sent, last } = await withDraft();
    expect(sent).toHaveLength(1);
    expect(last('draft')).toMatchObject({ draft, auto_run: false, reason_required: false });
    session.pause();
    await session.refresh();
    expect(sent).toHaveLength(1);
    const quiet = sessionOn(server, { kind: 'draft', id: draft.id });
    await quiet.session.refresh();
    expect(quiet.sent).toEqual([]);
  });

  test('counts as rendered only with the digest that it was sent', async () => {
    const { draft, session, rendered, notes } = await withDraft();
    await session.receive({ type: 'rendered', draft_id: draft.id, digest: 'f'.repeat(64) });
    expect(rendered).toEqual([]);
    expect(notes).toHaveLength(1);
    await session.receive({ type: 'rendered', draft_id: draft.id, digest: draft.digest });
    expect(rendered).toEqual([`${draft.id} ${draft.digest}`]);
  });

  test('approves with both digests, and shows the draft as final before it is idle', async () => {
    const { server, draft, approve, session, types, last } = await withDraft();
    await session.receive(approve(false));
    expect(types()).toEqual(['draft', 'busy', 'draft', 'busy']);
    expect(last('draft')?.draft.status).toBe('approved');
    const [artifact] = await server.host.client.call('listApproved', {});
    expect(artifact).toMatchObject({ digest: draft.digest, shown_digest: draft.digest });
    expect(await server.host.client.call('listRuns', {})).toEqual([]);
  });

  test('opens the run that it asked for', async () => {
    const { server, approve, session, opened } = await withDraft();
    await session.receive(approve(true));
    const [run] = await server.host.client.call('listRuns', {});
    expect(opened).toEqual([{ kind: 'run', id: run?.id }]);
  });

  test('is refused in words, and shows the new version, if the draft changed meanwhile', async () => {
    const { server, draft, approve, session, types, last } = await withDraft();
    await server.host.client.call('editDraft', { draft_id: draft.id, content: 'otherwise' });
    await session.receive(approve(false));
    expect(types()).toEqual(['draft', 'busy', 'refused', 'draft', 'busy']);
    expect(last('refused')).toMatchObject({ code: 'stale' });
    expect(last('draft')?.draft).toMatchObject({ status: 'draft', content: 'otherwise' });
  });

  test('rejects what it read, with the reason, and nothing newer', async () => {
    const { server, draft, session, last } = await withDraft();
    const reject = { type: 'reject', draft_id: draft.id, reason: 'too wide' };
    await server.host.client.call('editDraft', { draft_id: draft.id, content: 'otherwise' });
    await session.receive(reject);
    expect(last('refused')).toMatchObject({ code: 'stale' });
    await session.receive(reject);
    expect(last('draft')?.draft).toMatchObject({ status: 'rejected', reject_reason: 'too wide' });
  });

  test('hands editing and comparing on', async () => {
    const { draft, session, decided } = await withDraft();
    await session.receive({ type: 'edit', draft_id: draft.id });
    await session.receive({ type: 'open_diff', draft_id: draft.id });
    await session.receive({ type: 'generate_again', draft_id: draft.id });
    expect(decided).toEqual([`edit ${draft.id}`, `diff ${draft.id}`, `generate ${draft.id}`]);
  });

  test('decides about no other record, and drops what does not fit', async () => {
    const { server, approve, session, sent, notes } = await withDraft();
    const other = await propose(server, 'other');
    for (const message of [
      { ...approve(false), draft_id: other.id },
      { type: 'reject', draft_id: other.id, reason: null },
      { type: 'run', approved_id: 'a_1_abcdef' },
      { type: 'redraft', approved_id: 'a_1_abcdef' },
      { type: 'cancel', run_id: 'r_1_abcdef' },
      { ...approve(false), run: 'yes' },
      { type: 'nothing' },
      null,
    ])
      await session.receive(message);
    expect(sent).toHaveLength(1);
    expect(notes).toHaveLength(8);
    const drafts = await server.host.client.call('listDrafts', {});
    expect(drafts.map(({ status }) => status)).toEqual(['draft', 'draft']);
  });
});

describe('the panel of a run', () => {
  test('is sent each entry of the log once, and all of them to a panel that forgot', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    const { client } = server.host;
    const { id: draft_id } = await propose(server, 'so');
    const over = new Promise<void>((resolve) => {
      server.host.onChange(async ({ type, id }) => {
        if (type !== 'run' || id === null) return;
        if ((await client.call('getRun', { run_id: id })).status === 'done') resolve();
      });
    });
    const { run } = answered(await client.call('approveDraft', { draft_id, auto_run: true }));
    const id = run?.id ?? '';
    const { session, sent, last } = sessionOn(server, { kind: 'run', id });
    await session.receive({ type: 'ready' });
    await over;
    await session.refreshLog();
    await session.refresh();
    await session.refresh();
    const pieces = sent.filter((message) => message.type === 'log');
    const { log } = await client.call('getRun', { run_id: id });
    expect(pieces.flatMap(({ entries }) => entries)).toEqual(log);
    expect(last('run')).toMatchObject({ run: { status: 'done', log: [] }, approved: { draft_id } });
    await session.receive({ type: 'ready' });
    expect(last('log')).toMatchObject({ from: 0, entries: log });
  });

  test('tells what could not be stopped any more', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    const { session, last } = sessionOn(server, { kind: 'run', id: 'r_1_abcdef' });
    await session.receive({ type: 'ready' });
    expect(last('away')?.message).toContain('This run is not there any more');
    await session.receive({ type: 'cancel', run_id: 'r_1_abcdef' });
    expect(last('refused')).toMatchObject({ code: 'not_found' });
  });
});

test('the panel of an artifact runs it, and opens the run', async () => {
  const { server, approve, session } = await withDraft();
  await session.receive(approve(false));
  const [artifact] = await server.host.client.call('listApproved', {});
  const id = artifact?.id ?? '';
  const its = sessionOn(server, { kind: 'approved', id });
  await its.session.receive({ type: 'ready' });
  expect(its.last('approved')?.approved).toMatchObject({ id, runnable: true });
  await its.session.receive({ type: 'run', approved_id: id });
  expect(its.opened).toMatchObject([{ kind: 'run' }]);
});

test('the panel of an artifact is read again when its approval ends, and approves it again then', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await startServer({ hostedBy: 'editor' });
  const { client } = server.host;
  await client.call('setConfig', { approval_ttl_minutes: 1 });
  const draft = await propose(server, 'so');
  const { approved } = answered(await client.call('approveDraft', { draft_id: draft.id }));
  const its = sessionOn(server, { kind: 'approved', id: approved.id });
  await its.session.receive({ type: 'ready' });
  expect(its.last('approved')?.approved.runnable).toBe(true);
  expect(its.ends).toHaveLength(1);
  expect(its.ends[0]).toBeGreaterThan(50_000);
  expect(its.ends[0]).toBeLessThanOrEqual(60_050);
  vi.setSystemTime(Date.now() + 60_050);
  await its.session.refresh();
  expect(its.last('approved')?.approved).toMatchObject({
    ...{ runnable: false, blocked_reason: expect.stringContaining('expired') },
  });
  expect(its.ends).toHaveLength(1);
  await its.session.receive({ type: 'redraft', approved_id: approved.id });
  const [made] = await client.call('listDrafts', { status: ['draft'] });
  expect(made).toMatchObject({ prompt: draft.prompt, content: 'so' });
  expect(its.opened).toEqual([{ kind: 'draft', id: made?.id }]);
});

test('a panel is told when a lockdown begins and ends, and can ask for its end', async () => {
  const { server, draft, session, decided, last } = await withDraft();
  const { client } = server.host;
  expect(last('draft')?.locked).toBe(false);
  await client.call('lockDown', { reason: null });
  await session.refresh();
  expect(last('draft')).toMatchObject({ locked: true, looked: { failed: null } });
  await session.receive({ type: 'resolve_lockdown' });
  expect(decided).toEqual(['resolve the lockdown']);
  await session.receive({ type: 'reject', draft_id: draft.id, reason: 'no' });
  expect(last('refused')).toBe(undefined);
  expect(last('draft')?.draft.status).toBe('rejected');
  await client.call('resolveSecurity', { action: 'clear_panic' });
  await session.refresh();
  expect(last('draft')?.locked).toBe(false);
});

test('without a server a panel is told so, and nothing is done', async () => {
  const { session, types } = sessionOn(null, { kind: 'draft', id: 'd_1_abcdef' });
  await session.receive({ type: 'ready' });
  await session.receive({ type: 'reject', draft_id: 'd_1_abcdef', reason: null });
  expect(types()).toEqual(['away', 'away']);
});

test.each([
  ['draft', { type: 'draft', id: 'x' }, 'record'],
  ['draft', { type: 'draft', id: 'y' }, null],
  ['draft', { type: 'draft', id: null }, 'record'],
  ['draft', { type: 'provider', id: null }, 'record'],
  ['draft', { type: 'log', id: 'x' }, null],
  ['draft', { type: 'panic', id: null }, 'record'],
  ['approved', { type: 'panic', id: null }, 'record'],
  ['run', { type: 'panic', id: null }, 'record'],
  ['approved', { type: 'provider', id: null }, 'record'],
  ['run', { type: 'provider', id: null }, null],
  ['run', { type: 'run', id: 'x' }, 'record'],
  ['run', { type: 'log', id: 'x' }, 'log'],
  ['run', { type: 'log', id: 'y' }, null],
] as const)('the panel of a %s reads again after %j: %s', (kind, event, what) => {
  expect(sessionOn(null, { kind, id: 'x' }).session.concerns({ ...event, rev: 1 })).toBe(what);
});

test('a command knows a record by a row of a tree, or by kind and id', () => {
  expect(subjectOf({ kind: 'draft', id: 'd' })).toEqual({ kind: 'draft', id: 'd' });
  expect(subjectOf({ kind: 'draft', draft: { id: 'd' } })).toEqual({ kind: 'draft', id: 'd' });
  expect(subjectOf({ kind: 'run', run: { id: 'r', status: 'done' } })).toEqual({
    kind: 'run',
    id: 'r',
  });
  for (const other of [
    undefined,
    null,
    'd',
    {},
    { kind: 'group', id: 'd' },
    { kind: 'draft' },
    { kind: 'draft', id: 7 },
  ])
    expect(subjectOf(other)).toBe(null);
  expect(keyOf({ kind: 'draft', id: 'd' })).not.toBe(keyOf({ kind: 'run', id: 'd' }));
});

test('what a panel remembered is trusted only if it names a record', () => {
  expect(recall({ kind: 'run', id: 'r', view: 'raw' })).toEqual({ kind: 'run', id: 'r' });
  for (const state of [undefined, null, {}, { kind: 'window', id: 'r' }])
    expect(recall(state)).toBe(null);
});

test('the page lets in one script and the panel’s own styles, and nothing else', () => {
  const page = pageOf({ nonce: 'N0nce', script: 's.js', style: 's.css', cspSource: 'https://own' });
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  expect(policy?.split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'nonce-N0nce'",
    "style-src https://own 'nonce-N0nce'",
    'font-src https://own',
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toMatch(/unsafe|<style| on\w+=/);
});
