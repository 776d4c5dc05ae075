import { EventEmitter } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { gimo } from './gimo.ts';
import { approved, approvedId, draft, draftId, run, runId, status } from './records.ts';
import { type Reply, type Route, refuse, startWire, type Wire } from './wire.ts';

let wire: Wire;
afterEach(() => wire.close());

const gate = { id: 'look', kind: 'gate', title: 'Right?\u001b[2J', status: 'running' };
const empty: Record<string, Route> = {
  'GET /ops/drafts': () => ({ body: [] }),
  'GET /ops/runs': () => ({ body: [] }),
  'GET /status': () => ({ body: { ...status, panic_mode: false } }),
};

/** Watches until a line is told that matches `last`, then presses Ctrl-C. */
async function watch(routes: Record<string, Route>, last: RegExp) {
  wire = await startWire({ ...empty, ...routes });
  const signals = new EventEmitter();
  const wrote = (text: string) => {
    if (last.test(text)) signals.emit('SIGINT');
  };
  return gimo(['watch'], { url: wire.url, signals, wrote });
}

test('begins with what waits, the oldest first, and ends with 130 at Ctrl-C', async () => {
  const drafts = [draft({ prompt: 'Newer\u001b[2J' }), draft({ id: 'd_1', prompt: 'Older' })];
  const routes = {
    'GET /ops/drafts': () => ({ body: drafts }),
    'GET /ops/runs': () => ({ body: [run({ status: 'paused', steps: [gate] })] }),
  };
  const { code, out } = await watch(routes, /gimo resume/);
  expect(code).toBe(130);
  expect(out).toBe(
    [
      '12:00:00 draft    d_1 waits     Older',
      '         → gimo approve d_1',
      `12:00:00 draft    ${draftId} waits     Newer\\u{001B}[2J`,
      `         → gimo approve ${draftId}`,
      `12:00:00 run      ${runId} paused    waits at the gate "Right?\\u{001B}[2J"`,
      `         → gimo resume ${runId}, or gimo cancel ${runId}\n`,
    ].join('\n'),
  );
  expect(wire.seen.map(({ path }) => path)).toEqual([
    '/ops/drafts?limit=50&status=draft&view=summary',
    '/ops/runs?limit=50&status=pending&status=running&status=paused',
  ]);
});

test('tells what changes, from events, and the same thing once', async () => {
  const replies: Reply[] = [
    { body: draft() },
    { body: draft() },
    { body: draft({ status: 'rejected' }) },
  ];
  const routes = {
    'GET /status': () => {
      wire.tell('draft', draftId);
      return { body: { ...status, panic_mode: false } };
    },
    [`GET /ops/drafts/${draftId}`]: () => {
      const reply = replies.shift() ?? refuse(404, 'not_found', 'There is no such draft.');
      wire.tell('draft', draftId);
      return reply;
    },
  };
  const { code, out } = await watch(routes, /cleaned up/);
  expect(code).toBe(130);
  expect(out.match(/ waits /g)).toHaveLength(1);
  expect(out).toMatch(/Nothing waits.*\n.* waits .*\n.*\n.* rejected .*\n.* was cleaned up\.\n$/);
});

test('reads no log, and what else changes is a sentence', async () => {
  const routes = {
    'GET /status': () => {
      for (const type of ['log', 'approved', 'config', 'panic'] as const)
        wire.tell(type, type === 'approved' ? approvedId : runId);
      return { body: { ...status, panic_mode: true } };
    },
    [`GET /ops/approved/${approvedId}`]: () => ({ body: approved({ runnable: false }) }),
  };
  const { out } = await watch(routes, /configuration/);
  expect(out).toContain('The server is locked down. End it with: gimo resolve');
  expect(out).toMatch(new RegExp(`approved ${approvedId} spent`));
  expect(wire.seen.filter(({ path }) => path.includes(runId))).toEqual([]);
});

test('--json gives each event as one line, as the server sends it, and reads nothing', async () => {
  const signals = new EventEmitter();
  wire = await startWire(empty);
  const wrote = (text: string) => {
    if (text.includes('reset')) wire.tell('run', runId);
    else signals.emit('SIGINT');
  };
  const { code, out } = await gimo(['watch', '--json'], { url: wire.url, signals, wrote });
  expect(code).toBe(130);
  expect(out).toBe(`{"type":"reset"}\n{"type":"run","id":"${runId}","rev":1}\n`);
  expect(wire.seen).toEqual([]);
});

test('ends with 1 and the reason when the server refuses', async () => {
  wire = await startWire({
    ...empty,
    'GET /ops/drafts': () => refuse(403, 'role_required', 'This needs another role.'),
  });
  const { code, err } = await gimo(['watch'], { url: wire.url });
  expect([code, err]).toEqual([1, 'gimo: This needs another role.\n']);
});
