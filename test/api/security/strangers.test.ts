import { expect, test } from 'vitest';
import { startServer } from '../harness.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { asStranger, guess, lockOf, resolve } from './support.ts';

test('five invalid tokens turn away callers without a valid one; valid ones work on', async () => {
  const server = await startServer();
  expect(await guess(server, 4)).toEqual([401, 401, 401, 401]);
  expect(await lockOf(server)).toEqual({ panic_mode: false, level: 'open' });
  expect((await asStranger(server)).status).toBe(401);
  expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'strangers' });

  const refused = expectError(await asStranger(server), 'lockdown');
  expect(refused.detail).toMatch(/^System in LOCKDOWN\. /);
  expectError(await server.request('GET', '/status'), 'lockdown');
  expectError(await server.request('GET', '/nothing/here'), 'lockdown');

  const draft = await newDraft(server);
  const path = `/ops/drafts/${draft.id}/approve?auto_run=true`;
  expect((await server.request('POST', path, { role: 'operator' })).status).toBe(200);
});

test('"/" and "/health" stay public in a lockdown', async () => {
  const server = await startServer();
  await guess(server, 5);
  for (const path of ['/', '/health'])
    expect((await server.request('GET', path)).body).toEqual({ status: 'ok' });
});

test('a missing token does not count, nor does a header that holds none', async () => {
  const server = await startServer();
  for (let n = 0; n < 6; n += 1) {
    expect((await server.request('GET', '/status')).status).toBe(401);
    const headers = { authorization: 'Basic YWRtaW46YWRtaW4=' };
    expect((await server.request('GET', '/status', { headers })).status).toBe(401);
  }
  expect((await lockOf(server)).panic_mode).toBe(false);
});

test('a token that was valid once answers 401, and never counts toward a lockdown', async () => {
  const server = await startServer();
  const token = server.host.token('actions');
  await server.request('POST', '/ops/tokens/actions/rotate', { role: 'admin' });
  for (let n = 0; n < 6; n += 1)
    expectError(await server.request('GET', '/status', { token }), 'token_invalid');
  expect((await lockOf(server)).panic_mode).toBe(false);

  await guess(server, 5);
  expectError(await server.request('GET', '/status', { token }), 'token_invalid');
});

test('the lockdown survives a restart, and ends when a person resolves it', async () => {
  let server = await startServer();
  await guess(server, 5);
  server = await server.restart();
  expect(await lockOf(server)).toEqual({ panic_mode: true, level: 'strangers' });
  expectError(await asStranger(server), 'lockdown');

  expect((await resolve(server)).body).toEqual({ status: 'panic cleared' });
  expectError(await asStranger(server), 'token_invalid');
  // What counted before does not count any more.
  expect(await guess(server, 3)).toEqual([401, 401, 401]);
  server = await server.restart();
  expect((await lockOf(server)).panic_mode).toBe(false);
});

test('it is audited as an act of the server, and told as an event', async () => {
  const server = await startServer();
  const seen: string[] = [];
  server.host.onChange(({ type }) => seen.push(type));
  await guess(server, 5);
  expect(seen).toEqual(['panic']);
  const reply = await server.request('GET', '/ui/security/events', { role: 'operator' });
  expect(Object(reply.body).events).toMatchObject([
    { type: 'invalid_tokens', level: 'strangers', actor: 'system' },
  ]);
  expect(await auditOf(server)).toMatchObject([
    { operation: 'lockDown', actor: 'system', target: 'invalid_tokens', outcome: 'done' },
  ]);
  const last = Object(reply.body).events[0];
  expect((await auditOf(server))[0]?.correlation_id).toBe(last.correlation_id);
});
