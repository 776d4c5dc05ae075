import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { widthOf } from '../../../src/cli/width.ts';
import { gimo } from './gimo.ts';
import { approved, approvedId, draft, draftId, run, runId, status } from './records.ts';
import { type Reply, refuse, startWire, type Wire } from './wire.ts';

let wire: Wire;
beforeEach(async () => {
  const many = Array.from({ length: 3 }, () => draft({ prompt: 'Long prompt. '.repeat(15) }));
  wire = await startWire({
    'GET /status': () => ({ body: status }),
    'GET /ops/drafts': () => ({ body: many, headers: { 'x-total-count': '120' } }),
    'GET /ops/runs': () => ({ body: [run({ status: 'error', error: 'It broke.\nBadly.' })] }),
  });
});
afterEach(() => wire.close());

test('drafts fit the terminal, and the ids stay whole', async () => {
  const { code, out, err } = await gimo(['drafts'], {
    url: wire.url,
    columns: 60,
    env: { NO_COLOR: '1' },
  });
  expect(code).toBe(0);
  for (const line of out.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(60);
  expect(out.match(new RegExp(draftId, 'g'))).toHaveLength(3);
  expect(out).toContain('3m');
  expect(err).toContain('3 of 120');
});

test('drafts sends its filters, and asks for summaries only where it shows them', async () => {
  await gimo(['drafts', '--status', 'draft', '--status', 'error', '--limit', '5'], {
    url: wire.url,
  });
  await gimo(['drafts', '--json'], { url: wire.url });
  expect(wire.seen.map(({ path }) => path)).toEqual([
    '/ops/drafts?limit=5&view=summary&status=draft&status=error',
    '/ops/drafts?limit=50&view=full',
  ]);
});

test('--json prints the answer, before or after the command', async () => {
  for (const args of [
    ['--json', 'runs'],
    ['runs', '--json'],
  ]) {
    const { out } = await gimo(args, { url: wire.url });
    expect(JSON.parse(out)).toMatchObject([{ id: runId, status: 'error' }]);
  }
});

test('runs stay on one line each', async () => {
  const { out } = await gimo(['runs'], { url: wire.url });
  expect(out.trimEnd().split('\n')).toHaveLength(2);
  expect(out).toContain('It broke. Badly.');
});

/** A server that is locked, and what it says to who asks how far. */
async function statusOf(asked: Reply) {
  await wire.close();
  wire = await startWire({
    'GET /status': () => ({ body: status }),
    'GET /ui/security/events': () => asked,
  });
  return gimo(['status'], { url: wire.url });
}
const lockedFor = (level: string) => statusOf({ body: { panic_mode: true, level, events: [] } });

test('status tells how far it is locked down, and what ends it', async () => {
  expect((await lockedFor('all')).out).toMatch(
    /lockdown +yes: only reading and stopping is allowed; end it with: gimo resolve\n/,
  );
  expect((await lockedFor('strangers')).out).toMatch(
    /lockdown +for strangers: callers without a valid token are turned away; end it with: gimo resolve\n/,
  );
});

test('status tells a token that may not know how far only that it is', async () => {
  const { code, out } = await statusOf(refuse(403, 'role_required', 'Not for this role.'));
  expect(code).toBe(0);
  expect(out).toMatch(/lockdown +yes; end it with: gimo resolve\n/);
});

test('status tells the lockdown and what was quarantined', async () => {
  const { code, out } = await lockedFor('all');
  expect(code).toBe(0);
  expect(out).toContain(`${wire.url} (pid 4711, version 0.1.0)`);
  expect(out).toContain('2 draft\n');
  expect(out).toMatch(/lockdown +yes/);
  expect(out).toContain('d_1.json: torn\\u{001B}[2J');
});

test('approved tells which artifacts may run, and why others may not', async () => {
  const blocked = { runnable: false, blocked_reason: 'It has\nexpired.' };
  const listed = [approved(), approved({ id: 'a_2', ...blocked })];
  await wire.close();
  wire = await startWire({ 'GET /ops/approved': () => ({ body: listed }) });
  const { code, out } = await gimo(['approved'], { url: wire.url });
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`${approvedId} +yes`));
  expect(out).toMatch(/a_2 +no .*It has expired\.\n/);
});

describe('usage errors end with 2', () => {
  for (const args of [
    [],
    ['nonsense'],
    ['drafts', '--status', 'odd'],
    ['drafts', '--limit', '0'],
    ['drafts', '--limit', '1e2'],
    ['draft'],
    ['draft', 'odd'],
    ['plan', 'odd'],
    ['config', 'set'],
    ['config', 'set', 'run_timeout_s'],
    ['config', 'set', 'run_timeout_s=soon'],
    ['config', 'set', 'run_timeouts=5'],
    ['provider', 'add', 'mine', '--model', 'm'],
    ['provider', 'add', 'm ine', '--type', 'offline'],
    ['token'],
    ['token', 'rotate', 'root', '--yes'],
    ['token', 'rotate', 'agent'],
    ['accept', 'everything', '--yes'],
    ['accept', 'config'],
    ['restore', 'config'],
    ['config', 'allow', 'node'],
    ['completion', 'cmd'],
    ['approve'],
    ['run'],
    ['status', '--odd'],
    ['serve', '--port', '65536'],
    ['serve', '--port', '-1'],
    ['serve', '--port', 'http'],
  ])
    test(`gimo ${args.join(' ')}`, async () => {
      const { code, err } = await gimo(args, { url: wire.url });
      expect(code).toBe(2);
      expect(err).not.toBe('');
      expect(wire.all).toEqual([]);
    });
});
