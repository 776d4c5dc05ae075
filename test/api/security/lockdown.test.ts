import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { type Operation, opIds, table } from '../../../src/contract/operations.ts';
import { behave } from '../../fixtures/model-server.ts';
import { startServer, type TestServer } from '../harness.ts';
import {
  approveAndRun,
  cancel,
  readRun,
  serverWith,
  startModels,
  whenEnded,
  whenIn,
} from '../runs/support.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { asStranger, brokenVault, lockDown, lockOf, resolve } from './support.ts';

/* By hand from DESIGN, section 6: "may only read, reject, cancel, pause, lock down, resolve and stop". */
const brakes = [
  ...['rejectDraft', 'cancelRun', 'pauseRun', 'lockDown', 'resolveSecurity', 'stopService'],
];

describe('in a lockdown', () => {
  it('every operation that is neither a read nor a brake answers 503, whoever calls', async () => {
    const server = await startServer();
    const { id } = await newDraft(server);
    await lockDown(server);
    for (const op of opIds) {
      const row: Operation = table[op];
      if (row.effect === 'read') continue;
      expect(row.inLockdown === true, op).toBe(brakes.includes(op));
      if (row.inLockdown === true) continue;
      const path = row.path.replaceAll(/\{\w+\}/g, id);
      for (const role of ['actions', 'agent', 'operator', 'admin'] as const) {
        const reply = await server.request(row.method.toUpperCase(), path, { role, body: {} });
        expectError(reply, 'lockdown');
      }
    }
    await expect(
      server.host.client.call('createDraft', { prompt: 'from the editor' }),
    ).rejects.toMatchObject({ code: 'lockdown' });
  });

  it('reading, rejecting, locking and resolving work', async () => {
    const server = await startServer();
    const draft = await newDraft(server);
    await lockDown(server, { reason: 'somebody is at it' });
    await lockDown(server);
    const path = `/ops/drafts/${draft.id}`;
    expect((await server.request('GET', path, { role: 'actions' })).status).toBe(200);
    expect((await server.request('POST', `${path}/reject`, { role: 'admin' })).status).toBe(200);
    expectError(await asStranger(server), 'lockdown');
    expect((await resolve(server)).status).toBe(200);
    await newDraft(server);
  });

  it('no run starts; a prompt under way comes to its end, and what waits goes on afterwards', async () => {
    const models = await startModels();
    let server = await serverWith(models, { config: { max_concurrent_runs: 1 } });
    models.script(behave.hang());
    const [first, second, third] = [
      await approveAndRun(server, 'one'),
      await approveAndRun(server, 'two'),
      await approveAndRun(server, 'three'),
    ];
    await whenIn(server, first.id, 'running');
    await lockDown(server);
    expect((await readRun(server, first.id)).status).toBe('running');
    expect((await cancel(server, first.id)).status).toBe(200);
    await whenEnded(server, first.id);
    expect((await readRun(server, second.id)).status).toBe('pending');

    server = await server.restart();
    expect((await readRun(server, second.id)).status).toBe('pending');
    expect(Object((await cancel(server, third.id)).body).status).toBe('cancelled');
    models.script(behave.words('done'));
    expect((await resolve(server)).status).toBe(200);
    expect((await whenEnded(server, second.id)).status).toBe('done');
  });

  it('resolve knows one action, needs a token of operator, and changes nothing otherwise', async () => {
    const server = await startServer();
    await lockDown(server);
    const other = await resolve(server, 'open_sesame');
    expect(other.status).toBe(400);
    expect(other.body).toMatchObject({
      code: 'validation_error',
      detail: [{ loc: ['query', 'action'] }],
    });
    const none = await server.request('POST', '/ui/security/resolve', { role: 'operator' });
    expect(none.status).toBe(422);
    const weak = await server.request('POST', '/ui/security/resolve?action=clear_panic', {
      role: 'actions',
    });
    expectError(weak, 'role_required');
    expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'all' });
  });

  it('who pulled it, who ended it and why is told and audited, without secrets', async () => {
    const server = await startServer();
    const secret = server.host.token('admin');
    await lockDown(server, { reason: `leaked: ${secret}` });
    await resolve(server);
    const reply = await server.request('GET', '/ui/security/events', { role: 'operator' });
    const actor = expect.stringMatching(/^operator:[0-9a-f]{12}$/);
    expect(Object(reply.body).events).toMatchObject([
      { type: 'lockdown', level: 'all', actor, reason: 'leaked: [REDACTED]' },
      { type: 'cleared', level: 'open', actor, reason: null },
    ]);
    const acts = (await auditOf(server)).map(({ operation, outcome }) => `${operation} ${outcome}`);
    expect(acts).toEqual([
      ...['lockDown intent', 'lockDown done'],
      ...['resolveSecurity intent', 'resolveSecurity done'],
    ]);
  });
});

test('a lockdown survives a restart', async () => {
  const server = await startServer();
  await lockDown(server);
  const again = await server.restart();
  expect(await lockOf(again)).toEqual({ panic_mode: true, level: 'all' });
  expectError(await again.request('POST', '/ops/drafts', { role: 'admin', body: {} }), 'lockdown');
});

const damages = {
  torn: (text: string) => text.slice(0, text.length / 2),
  empty: () => '',
  'set to open': (text: string) => text.replaceAll('all', 'open'),
  'written anew': () => '{"state":"{\\"level\\":\\"open\\",\\"events\\":[]}","hmac":""}',
};
describe('no file edit lifts a lockdown: a state that is', () => {
  it.each(Object.entries(damages))('%s', async (_name, damage) => {
    const server = await startServer();
    await lockDown(server);
    await server.host.stop();
    const path = join(server.host.ledgerDir, 'security.json');
    await writeFile(path, damage(await readFile(path, 'utf8')));
    await expectStillLocked(server);
  });

  it('deleted', async () => {
    const server = await startServer();
    await lockDown(server);
    await server.host.stop();
    await rm(join(server.host.ledgerDir, 'security.json'));
    await expectStillLocked(server);
  });
});

async function expectStillLocked(server: TestServer) {
  const again = await startServer({ dir: server.dir });
  expect(await lockOf(again)).toEqual({ panic_mode: true, level: 'all' });
  const events = await again.request('GET', '/ui/security/events', { role: 'operator' });
  expect(Object(events.body).events).toMatchObject([{ type: 'state_unreadable', level: 'all' }]);
  expect((await resolve(again)).status).toBe(200);
  expect(await lockOf(await again.restart())).toEqual({ panic_mode: false, level: 'open' });
}

test('three unhandled errors lock the server down; their answers hold an id and nothing else', async () => {
  const server = await startServer({ vault: brokenVault() });
  const key = {
    type: 'openai_compat',
    base_url: 'http://127.0.0.1:1/v1',
    model: 'm',
    api_key: 'k'.repeat(20),
  };
  const body = { active: 'x', providers: { x: key } };
  const fail = () => server.request('PUT', '/ops/provider', { role: 'admin', body });
  for (let n = 0; n < 3; n += 1) {
    expect((await lockOf(server)).level).toBe('open');
    const reply = await fail();
    const { detail } = expectError(reply, 'internal');
    expect(detail).not.toMatch(/lock|vault|keyring/i);
  }
  expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'all' });
  expectError(await fail(), 'lockdown');
  const entries = await auditOf(server);
  expect(entries.filter(({ operation }) => operation === 'lockDown')).toMatchObject([
    { actor: 'system', target: 'unhandled_errors' },
  ]);
});

test("unhandled errors of the editor's own calls count, too", async () => {
  const server = await startServer({ vault: brokenVault() });
  const x = {
    type: 'openai_compat' as const,
    base_url: 'http://127.0.0.1:1/v1',
    model: 'm',
    api_key: 'k'.repeat(20),
  };
  for (let n = 0; n < 3; n += 1)
    await expect(
      server.host.client.call('setProvider', { active: 'x', providers: { x } }),
    ).rejects.toThrow('the keyring is gone');
  expect((await lockOf(server)).level).toBe('all');
});
