import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startServer } from '../harness.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { brokenVault, guess, lockDown, lockOf, resolve } from './support.ts';

/* The defects of the Python service that are about security operations, by their numbers in PEERS.md: none is here. */

test('13: a token of the least length stands nowhere in log or audit, not in part either', async () => {
  const tokens = { ORCH_TOKEN: 'Adm1n-Tok3n-16ch', ORCH_ACTIONS_TOKEN: 'Act10ns-T0k3n-16' };
  const server = await startServer({ env: tokens });
  await newDraft(server);
  await server.request('GET', '/status', { role: 'actions' });
  await guess(server, 1);
  const paths = ['/ui/audit', '/ops/audit', '/ui/status', '/ui/security/events'];
  const replies = paths.map((path) => server.request('GET', path, { role: 'admin' }));
  const texts = (await Promise.all(replies)).map(({ text }) => text);
  const all = JSON.stringify([texts, server.lines, await auditOf(server)]);
  for (const token of Object.values(tokens))
    for (const piece of [token, token.slice(0, 6), token.slice(-6)])
      expect(all).not.toContain(piece);
  expectError(await server.request('GET', '/ui/audit', { role: 'actions' }), 'role_required');
});

test('18: a prompt in a query lands in no log line, at no level', async () => {
  const server = await startServer();
  const reply = await server.request('POST', '/ops/generate?prompt=the%20quiet%20words', {
    role: 'admin',
  });
  expect(reply.status, reply.text).toBe(201);
  await server.request('GET', '/nothing?prompt=the%20quiet%20words', { role: 'admin' });
  await server.whenLogged(({ message }) => message === 'GET /nothing');
  expect(server.lines.some(({ message }) => message === 'POST /ops/generate')).toBe(true);
  expect(JSON.stringify(server.lines)).not.toMatch(/quiet/);
});

test('19: a read-only token cannot force a lockdown with what it sends', async () => {
  const server = await startServer();
  const odd = [
    ...Array.from({ length: 3 }, (_, n) => `/ops/drafts/${String(n).repeat(300)}`),
    ...['/ops/runs/%00%00', '/ops/approved/%ED%A0%80', '/ops/drafts/%', '/ops/runs/..%2f..%2fkey'],
    ...['/ops/drafts?limit=NaN', '/ops/drafts?cursor=%00', '/ops/drafts?status=%FF'],
    ...['/diff?base=--help', '/diff?base=%00', '/search?q=(((', `/file?path=${'x'.repeat(5000)}`],
    ...['/ops/events/%', '/tree?path=%00', '/file?path=%ED%A0%80', '/ui/status?x=%'],
  ];
  for (const path of odd) {
    const { status } = await server.request('GET', path, { role: 'actions' });
    expect(status === 200 || (status >= 400 && status < 500), `${path}: ${status}`).toBe(true);
  }
  const bodies = ['NaN', '{"prompt": NaN}', '{"prompt": "\\ud800"}', '{"prompt": "\\u0000"}', '\0'];
  for (const body of bodies) {
    const { status } = await server.request('POST', '/ops/drafts', { role: 'agent', body });
    expect(status, body).toBeLessThan(500);
  }
  expect(await lockOf(server)).toEqual({ panic_mode: false, level: 'open' });
});

test('20: the body of a 500 claims no lockdown that is not there', async () => {
  const server = await startServer({ vault: brokenVault() });
  const x = { type: 'openai_compat', base_url: 'http://127.0.0.1:1/v1', model: 'm' };
  const body = { active: 'x', providers: { x: { ...x, api_key: 'k'.repeat(20) } } };
  const reply = await server.request('PUT', '/ops/provider', { role: 'admin', body });
  expectError(reply, 'internal');
  expect(reply.text).not.toMatch(/lockdown|panic/i);
  expect(await lockOf(server)).toEqual({ panic_mode: false, level: 'open' });
});

test('22: a torn security file lifts no lockdown', async () => {
  const server = await startServer();
  await lockDown(server);
  await server.host.stop();
  await writeFile(join(server.host.ledgerDir, 'security.json'), '{"sta');
  expect((await lockOf(await startServer({ dir: server.dir }))).panic_mode).toBe(true);
});

test('23: "bearer" in lower case works in a lockdown as it does outside', async () => {
  const server = await startServer();
  const ask = () =>
    server.request('GET', '/status', {
      headers: { authorization: `  bearer   ${server.host.token('actions')} ` },
    });
  expect((await ask()).status).toBe(200);
  await guess(server, 5);
  expect((await ask()).status).toBe(200);
  await lockDown(server);
  expect((await ask()).status).toBe(200);
  await resolve(server);
  expect((await ask()).status).toBe(200);
});

test('24: of 200 MB without a token nothing is read before the 401', async () => {
  const server = await startServer();
  const socket = connect(server.host.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined); // the server may close while we still hold the body back
  socket.write(
    [
      'POST /ops/drafts HTTP/1.1',
      `Host: 127.0.0.1:${server.host.port}`,
      'Content-Type: application/json',
      `Content-Length: ${200 * 2 ** 20}`,
      'Connection: close',
      '\r\n',
    ].join('\r\n'),
  );
  // Not a byte of the body is ever sent.
  expect(await readText(socket)).toMatch(/^HTTP\/1\.1 401 /);
});

test('30: the correlation id stands in log and audit, and request lines are not in the audit', async () => {
  const server = await startServer();
  const headers = { 'x-correlation-id': 'job-42' };
  const body = { prompt: 'x' };
  await server.request('POST', '/ops/drafts', { role: 'admin', body, headers });
  for (let n = 0; n < 20; n += 1) await server.request('GET', '/ops/drafts', { role: 'actions' });
  const line = await server.whenLogged(({ message }) => message === 'POST /ops/drafts');
  expect(line.fields.correlation_id).toBe('job-42');
  expect((await auditOf(server)).map((entry) => entry.correlation_id)).toEqual([
    'job-42',
    'job-42',
  ]);
});

test('32: a token too short to log in with, and equal tokens, are refused at start with words', async () => {
  await expect(startServer({ env: { ORCH_OPERATOR_TOKEN: 'short' } })).rejects.toThrow(
    /^The operator token has 5 characters; it needs at least 16\./,
  );
  const same = 's'.repeat(16);
  await expect(
    startServer({ env: { ORCH_TOKEN: same, ORCH_OPERATOR_TOKEN: same } }),
  ).rejects.toThrow(/^The admin and operator tokens are the same\./);
});
