import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { TokenRole } from '../../../src/core/principals.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from '../wire/support.ts';
import { lockDown } from './support.ts';

const Rotated = z.strictObject({ role: z.string(), token: z.string() });

async function rotate(server: TestServer, role: TokenRole): Promise<string> {
  const reply = await server.request('POST', `/ops/tokens/${role}/rotate`, { role: 'admin' });
  expect(reply.status, reply.text).toBe(200);
  const rotated = Rotated.parse(reply.body);
  expect(rotated.role).toBe(role);
  return rotated.token;
}

describe('rotating a token', () => {
  it.each(['admin', 'operator', 'actions', 'agent'] as const)(
    'of %s gives a new one, ends the old one, and holds over a restart',
    async (role) => {
      const server = await startServer();
      const old = server.host.token(role);
      const token = await rotate(server, role);
      expect(token).toMatch(/^[A-Za-z0-9_-]{64}$/);
      expect(server.host.token(role)).toBe(token);
      expect((await server.request('GET', '/status', { token })).status).toBe(200);
      expectError(await server.request('GET', '/status', { token: old }), 'token_invalid');
      const again = await server.restart();
      expect((await again.request('GET', '/status', { token })).status).toBe(200);
      expectError(await again.request('GET', '/status', { token: old }), 'token_invalid');
    },
  );

  it('of admin is told to the command line, and no other is', async () => {
    const server = await startServer();
    const cli = async () =>
      (await readFile(join(server.host.ledgerDir, 'cli.token'), 'utf8')).trim();
    await rotate(server, 'operator');
    expect(await cli()).toBe(server.host.token('admin'));
    const token = await rotate(server, 'admin');
    expect(await cli()).toBe(token);
  });

  it('that the environment gave is refused with words, and stays', async () => {
    const ours = 'o'.repeat(16);
    const server = await startServer({ env: { ORCH_OPERATOR_TOKEN: ours } });
    const reply = await server.request('POST', '/ops/tokens/operator/rotate', { role: 'admin' });
    const { detail } = expectError(reply, 'conflict_state');
    expect(detail).toMatch(/environment/);
    expect(reply.text).not.toContain(ours);
    expect((await server.request('GET', '/status', { token: ours })).status).toBe(200);
    await rotate(server, 'actions');
  });

  it('of no role there is answers 404', async () => {
    const server = await startServer();
    for (const role of ['editor', 'root', '%00', '..%2f'])
      expectError(
        await server.request('POST', `/ops/tokens/${role}/rotate`, { role: 'admin' }),
        'not_found',
      );
  });

  it('ends the event streams of that token, and no other', async () => {
    const server = await startServer();
    const open = async (role: TokenRole) => {
      const abort = new AbortController();
      onTestFinished(() => abort.abort());
      const response = await fetch(`${server.host.url}/ops/events`, {
        headers: { authorization: `Bearer ${server.host.token(role)}` },
        signal: abort.signal,
      });
      return response.body?.pipeThrough(new TextDecoderStream()).getReader();
    };
    const [ends, stays] = [await open('actions'), await open('operator')];
    await rotate(server, 'actions');
    for (let read = await ends?.read(); read?.done === false; read = await ends?.read());
    await server.host.client.call('createDraft', { prompt: 'x' });
    let text = '';
    while (!text.includes('"draft"')) text += (await stays?.read())?.value ?? '';
  });

  it('is not done in a lockdown', async () => {
    const server = await startServer();
    const before = server.host.token('actions');
    await lockDown(server);
    const reply = await server.request('POST', '/ops/tokens/actions/rotate', { role: 'admin' });
    expectError(reply, 'lockdown');
    expect(server.host.token('actions')).toBe(before);
  });

  it('leaves neither the old nor the new one in log, audit or any answer but its own', async () => {
    const server = await startServer();
    const old = server.host.token('operator');
    const token = await rotate(server, 'operator');
    await server.host.client.call('lockDown', { reason: `not ${old} nor ${token}` });
    const paths = ['/ui/audit', '/ops/audit', '/ui/security/events', '/status', '/ui/status'];
    const replies = paths.map((path) => server.request('GET', path, { role: 'admin' }));
    const texts = (await Promise.all(replies)).map(({ text }) => text);
    const all = JSON.stringify([texts, server.lines, await auditOf(server)]);
    expect(all).not.toContain(old);
    expect(all).not.toContain(token);
  });
});
