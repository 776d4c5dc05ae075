import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PanelSubject, ToPanel } from '../../../src/contract/panel.ts';
import type { Step } from '../../../src/contract/records.ts';
import { answered } from '../../../src/editor/answered.ts';
import { editedPaths, readBases } from '../../../src/editor/review/bases.ts';
import { createSession } from '../../../src/editor/review/session.ts';
import { startServer, type TestServer } from '../../api/harness.ts';
import { whenEnded, whenIn } from '../../api/runs/support.ts';

/** A session on the real server whose person answers every question as told. */
async function sessionOn(server: TestServer, subject: PanelSubject, yes = true) {
  const sent: ToPanel[] = [];
  const asked: string[] = [];
  const session = createSession({
    subject,
    client: () => server.host.client,
    post: (message) => sent.push(message),
    open: () => {},
    decisions: {
      edit: () => {},
      openDiff: () => {},
      generateAgain: () => {},
      resolveLockdown: () => {},
      async confirmUndo(id) {
        asked.push(id);
        return yes;
      },
    },
    root: () => server.root,
    rendered: () => {},
    titled: () => {},
    readAgainIn: () => {},
    note: () => {},
  });
  await session.receive({ type: 'ready' });
  const last = <T extends ToPanel['type']>(type: T) =>
    sent.findLast((one): one is Extract<ToPanel, { type: T }> => one.type === type);
  return { session, last, asked };
}

const gated: Step[] = [
  { id: 'one', kind: 'edit', changes: [{ path: 'a.txt', text: 'one\n' }] },
  { id: 'first', kind: 'gate' },
  { id: 'two', kind: 'edit', changes: [{ path: 'b.txt', text: 'two\n' }] },
  { id: 'second', kind: 'gate' },
];

async function atGate() {
  const server = await startServer({ hostedBy: 'editor' });
  const { client } = server.host;
  const { id: draft_id, digest } = await client.call('createDraft', { prompt: 'x', steps: gated });
  const named = { draft_id, digest: digest ?? '', auto_run: true };
  const { run } = answered(await client.call('approveDraft', named));
  const id = run?.id ?? '';
  await whenIn(server, id, 'paused');
  return { server, id, ...(await sessionOn(server, { kind: 'run', id })) };
}

const file = (server: TestServer, name: string) => path.join(server.root, name);

describe('the panel of a draft with edits', () => {
  test('is sent what stands in the workspace and what to look at, with the draft', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    writeFileSync(file(server, 'a.txt'), '\ufeffold\r\n');
    const steps: Step[] = [
      { id: 'edit', kind: 'edit', changes: [{ path: 'a.txt', text: 'new\n' }] },
      { id: 'mcp', kind: 'edit', changes: [{ path: '.mcp.json', text: '{}' }] },
    ];
    const { id } = await server.host.client.call('createDraft', { prompt: 'x', steps });
    const { session, last } = await sessionOn(server, { kind: 'draft', id });
    expect(last('draft')?.looked).toMatchObject({
      bases: [
        { path: 'a.txt', state: 'file', text: '\ufeffold\r\n' },
        { path: '.mcp.json', state: 'missing' },
      ],
      warnings: [{ code: 'sensitive_path', step: 'mcp' }],
      failed: null,
    });
    expect(session.concernsFile(file(server, 'a.txt'))).toBe(true);
    expect(session.concernsFile(file(server, 'b.txt'))).toBe(false);
    writeFileSync(file(server, 'a.txt'), 'newer\n');
    await session.refresh();
    expect(last('draft')?.looked).toMatchObject({
      bases: [{ text: 'newer\n' }, {}],
      warnings: [{ code: 'base_changed' }, { code: 'sensitive_path' }],
    });
  });

  test('is compared with nothing once it is final', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    const { id } = await server.host.client.call('createDraft', { prompt: 'x', steps: gated });
    await server.host.client.call('rejectDraft', { draft_id: id });
    const { last } = await sessionOn(server, { kind: 'draft', id });
    expect(last('draft')?.looked).toBe(null);
  });
});

describe('the panel of a run that waits at a gate', () => {
  test('lets it go on from the gate that the person saw, and from no other', async () => {
    const { server, id, session, last } = await atGate();
    const seen = last('run')?.run.steps.map(({ status }) => status) ?? [];
    expect(seen).toEqual(['done', 'running', 'waiting', 'waiting']);
    expect(last('run')?.looked?.bases).toMatchObject([{ path: 'a.txt', text: 'one\n' }, {}]);
    const atSecond = () =>
      new Promise<void>((resolve) => {
        const stop = server.host.onChange(async () => {
          const { status, steps } = await server.host.client.call('getRun', { run_id: id });
          if (status !== 'paused' || steps[3]?.status !== 'running') return;
          stop();
          resolve();
        });
      });
    const there = atSecond();
    await session.receive({ type: 'resume', run_id: id, seen });
    await there;
    await session.receive({ type: 'resume', run_id: id, seen });
    expect(last('refused')?.message).toContain('not where you saw it');
    expect((await server.host.client.call('getRun', { run_id: id })).status).toBe('paused');
    await session.refresh();
    const now = last('run')?.run.steps.map(({ status }) => status) ?? [];
    await session.receive({ type: 'resume', run_id: id, seen: now });
    expect((await whenEnded(server, id)).status).toBe('done');
  });

  test('undoes it when it is over, after the person has said yes', async () => {
    const { server, id, session, last, asked } = await atGate();
    await session.receive({ type: 'cancel', run_id: id });
    await whenEnded(server, id);
    const no = await sessionOn(server, { kind: 'run', id }, false);
    await no.session.receive({ type: 'undo', run_id: id });
    expect([no.asked, no.last('undone')]).toEqual([[id], undefined]);
    expect(readFileSync(file(server, 'a.txt'), 'utf8')).toBe('one\n');
    await session.receive({ type: 'undo', run_id: id });
    expect(asked).toEqual([id]);
    expect(last('undone')).toMatchObject({ run_id: id, restored: ['a.txt'], left: [] });
    expect(() => readFileSync(file(server, 'a.txt'))).toThrow('ENOENT');
  });

  test('is told in words why it cannot be paused', async () => {
    const { id, session, last } = await atGate();
    await session.receive({ type: 'pause', run_id: id });
    expect(last('refused')).toMatchObject({ code: 'conflict_state' });
  });
});

describe('what stands where edits would write', () => {
  const folder = () => {
    const root = mkdtempSync(path.join(tmpdir(), 'gimo-bases-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    return root;
  };

  test('is told in words where it cannot be read, and read nowhere else', async () => {
    const root = folder();
    const outside = folder();
    writeFileSync(path.join(outside, 'secret'), 'secret');
    symlinkSync(outside, path.join(root, 'link'));
    writeFileSync(path.join(root, 'binary'), new Uint8Array([0xff, 0xfe, 0x00]));
    writeFileSync(path.join(root, 'large'), 'x'.repeat(2 * 1_048_576 + 1));
    const away = path.relative(root, path.join(outside, 'secret'));
    const paths = [
      'link/secret',
      away,
      path.join(outside, 'secret'),
      'binary',
      'large',
      '.',
      'a\0b',
    ];
    const bases = await readBases(root, paths);
    expect(bases.map(({ state }) => state)).toEqual(Array(paths.length).fill('unread'));
    for (const base of bases) if (base.state === 'unread') expect(base.why).toMatch(/^[A-Z].*\.$/);
    expect(JSON.stringify(bases)).not.toMatch(/"secret"|xxx/);
  });

  test('is read once for each path', () => {
    expect(editedPaths([...gated, ...gated])).toEqual(['a.txt', 'b.txt']);
    expect(editedPaths(null)).toEqual([]);
  });
});
