import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { attach } from '../../../src/client/attach.ts';
import { type AttachedClient, openAttached } from '../../../src/client/attached.ts';
import type { Mac } from '../../../src/client/prove.ts';
import { attachText } from '../../../src/contract/attach.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { readLedgerMac } from '../../../src/store/proof.ts';
import { filesUnder } from '../../faults/support.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { guess, lockOf } from './support.ts';

const install = sha256('window-two');
const actor = `editor:${install.slice(0, 12)}`;

async function macOf(server: TestServer): Promise<Mac> {
  const mac = await readLedgerMac(server.host.ledgerDir);
  if (mac === null) throw new Error('the ledger has no key');
  return mac;
}

/** Asks for a nonce, and answers it. */
async function answer(server: TestServer, more: { mac?: Mac; hostPort?: string } = {}) {
  const { mac = await macOf(server), hostPort = `127.0.0.1:${server.host.port}` } = more;
  const { nonce } = Object(await server.request('GET', '/ops/attach').then(({ body }) => body));
  const text = attachText(nonce, hostPort, install);
  return { nonce, install, answer: mac('attach', text) };
}
const post = (server: TestServer, body: unknown) => server.request('POST', '/ops/attach', { body });

/** A window that is attached. */
async function window(server: TestServer) {
  const mac = await macOf(server);
  const { port } = server.host;
  const { token } = await attach(port, install, mac);
  let end: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const failed = (error: unknown) => {
    throw error;
  };
  const opened: AttachedClient = await openAttached({ port, token, mac, ended: end, failed });
  return { ...opened, token, ended };
}

test('whoever holds the key of the ledger gets a token, and is the editor', async () => {
  const server = await startServer({ hostedBy: 'editor', installId: 'window-one' });
  const reply = await post(server, await answer(server));
  expect(reply.status, reply.text).toBe(200);
  expect(reply.body).toMatchObject({ actor });
  const { token } = Object(reply.body);
  const draft = await server.request('POST', '/ops/drafts', { token, body: { prompt: 'Look' } });
  expect(draft.body).toMatchObject({ created_by: actor, source: 'editor' });
});

test('nobody else does: a wrong key, another address, an answer twice, a form that does not fit', async () => {
  const server = await startServer();
  const other: Mac = (_, data) => sha256(data);
  expectError(await post(server, await answer(server, { mac: other })), 'token_invalid');
  const elsewhere = await answer(server, { hostPort: '127.0.0.1:9' });
  expectError(await post(server, elsewhere), 'token_invalid');
  const right = await answer(server);
  expect((await post(server, right)).status).toBe(200);
  expectError(await post(server, right), 'stale');
  for (const body of [undefined, {}, { ...right, nonce: 'x' }, { ...right, install: 7 }])
    expectError(await post(server, body), 'validation_error');
  const refused = await server.request('PUT', '/ops/attach');
  expect(expectError(refused, 'method_not_allowed').detail).toContain('GET and POST');
  expect(refused.headers.allow).toBe('GET, POST');
});

test('wrong answers count as invalid tokens do, and a lockdown that follows lets a window in', async () => {
  const server = await startServer();
  const other: Mac = (_, data) => sha256(data);
  for (let n = 0; n < 5; n += 1) await post(server, await answer(server, { mac: other }));
  expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'strangers' });
  const { client, close } = await window(server);
  await client.call('resolveSecurity', { action: 'clear_panic' });
  expect((await lockOf(server)).panic_mode).toBe(false);
  close();
});

test('a page and a foreign Host get no nonce', async () => {
  const server = await startServer();
  const asPage = await server.request('GET', '/ops/attach', {
    headers: { origin: 'http://evil.example' },
  });
  expectError(asPage, 'origin_refused');
  const rebound = await server.request('GET', '/ops/attach', { headers: { host: 'evil.example' } });
  expectError(rebound, 'host_refused');
});

test('the number of tries is limited, apart from what other strangers use up', async () => {
  const server = await startServer({ env: { ORCH_RATE_LIMIT_PER_MIN: '3' } });
  for (let n = 0; n < 4; n += 1) await server.request('GET', '/status');
  expectError(await server.request('GET', '/status'), 'rate_limited');
  const statuses = [];
  for (let n = 0; n < 101; n += 1)
    statuses.push((await server.request('GET', '/ops/attach')).status);
  expect(statuses.slice(0, 100).every((status) => status === 200)).toBe(true);
  expect(statuses[100]).toBe(429);
});

test('the token stands in no log, no file and no answer', async () => {
  const server = await startServer();
  const { client, token, close } = await window(server);
  const said = await client.call('createDraft', { prompt: 'Look around' });
  expect(said.prompt).toBe('Look around');
  await expect(client.call('createDraft', { prompt: `Use ${token} there` })).rejects.toThrow(
    expect.objectContaining({ code: 'contains_secret' }),
  );
  await server.request('GET', `/${token}`, { token });
  close();
  expect(JSON.stringify(server.lines)).not.toContain(token);
  for (const { text } of await filesUnder(server.dir)) expect(text).not.toContain(token);
});

test('a window that is attached reads, decides and hears what changes, without a limit', async () => {
  const server = await startServer({
    ...{ hostedBy: 'editor', installId: 'window-one' },
    env: { ORCH_RATE_LIMIT_PER_MIN: '3' },
  });
  const { client, onChange, close } = await window(server);
  const told = new Promise((resolve) => {
    onChange((event) => event.type === 'approved' && resolve(event.id));
  });
  const steps = [{ id: 's1', kind: 'gate' as const }];
  const draft = await server.host.client.call('createDraft', { prompt: 'Ask first', steps });
  for (let n = 0; n < 150; n += 1) await client.call('getDraft', { draft_id: draft.id });
  const approved = await client.call('approveDraft', {
    draft_id: draft.id,
    digest: draft.digest ?? '',
  });
  expect(approved).toMatchObject({ approved: { draft_id: draft.id, approved_by: actor } });
  expect(await told).toBe(Object(approved).approved.id);
  const done = (await auditOf(server)).filter(({ operation }) => operation === 'approveDraft');
  expect(done.map((entry) => entry.actor)).toEqual([actor, actor]);
  close();
});

test('a session ends with its server, and its token then is no stranger’s', async () => {
  let server = await startServer();
  const { token, ended, client } = await window(server);
  server = await server.restart();
  expect(await ended).toContain('gone');
  await expect(client.call('getStatus', {})).rejects.toMatchObject({ code: 'not_writer' });
  for (let n = 0; n < 6; n += 1)
    expectError(await server.request('GET', '/status', { token }), 'token_invalid');
  expect((await lockOf(server)).panic_mode).toBe(false);
  const forged = `${randomBytes(48).toString('base64url')}.${'0'.repeat(64)}`;
  for (let n = 0; n < 5; n += 1) await server.request('GET', '/status', { token: forged });
  expect((await lockOf(server)).level).toBe('strangers');
});

test('in a lockdown a window that is attached works on', async () => {
  const server = await startServer();
  const { client, close } = await window(server);
  await guess(server, 5);
  await newDraft(server);
  expect(await client.call('listDrafts', {})).toHaveLength(1);
  close();
});
