import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SecretVault } from '../../../src/core/ports.ts';
import { startServer } from '../harness.ts';

const good = (letter: string) => letter.repeat(16);

async function listener(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

describe('tokens', () => {
  it.each([
    ['ORCH_TOKEN', 'admin'],
    ['ORCH_OPERATOR_TOKEN', 'operator'],
    ['ORCH_ACTIONS_TOKEN', 'actions'],
    ['GIMO_AGENT_TOKEN', 'agent'],
  ])('%s may not be short, and is not told when it is', async (name, role) => {
    const start = startServer({ env: { [name]: 'fifteen-letters' } });
    await expect(start).rejects.toMatchObject({
      code: 'validation_error',
      message: expect.stringMatching(new RegExp(`^The ${role} token has 15 characters`)),
    });
    await expect(start).rejects.not.toThrow(/fifteen-letters/);
  });

  it('may not be the same for two roles', async () => {
    const env = { ORCH_TOKEN: good('a'), ORCH_ACTIONS_TOKEN: ` ${good('a')} ` };
    const start = startServer({ env });
    await expect(start).rejects.toThrow(/^The admin and actions tokens are the same/);
    await expect(start).rejects.not.toThrow(new RegExp(good('a')));
  });

  it('may not be the same as one that was made before', async () => {
    const server = await startServer();
    const made = server.host.token('actions');
    await expect(server.restart({ env: { ORCH_TOKEN: made } })).rejects.toThrow(/are the same/);
  });

  it('are taken from the environment, and made where there is none', async () => {
    const server = await startServer({ env: { ORCH_TOKEN: good('a') } });
    expect(server.host.token('admin')).toBe(good('a'));
    expect((await server.request('GET', '/ops/provider', { token: good('a') })).status).toBe(200);
    for (const role of ['operator', 'actions', 'agent'] as const)
      expect(server.host.token(role)).toMatch(/^[A-Za-z0-9_-]{64}$/);
  });

  it('stay the same over a restart', async () => {
    const server = await startServer();
    const before = server.host.token('operator');
    expect((await server.restart()).host.token('operator')).toBe(before);
  });
});

describe('the port', () => {
  it('that is taken is refused, with who has it, and leaves nothing behind', async () => {
    const port = await listener();
    const server = await startServer();
    await expect(server.restart({ port })).rejects.toMatchObject({
      code: 'conflict_state',
      message: expect.stringMatching(new RegExp(`Port ${port} .*\\(process ${process.pid}\\)`)),
    });
    // The directory is free again: the refused start let go of it.
    const again = await startServer({ dir: server.dir });
    expect((await again.request('GET', '/status', { role: 'actions' })).status).toBe(200);
  });

  it('that is only preferred gives way', async () => {
    const port = await listener();
    const server = await startServer({ port: { prefer: port } });
    expect(server.host.port).not.toBe(port);
  });
});

describe('a second server on the same folder', () => {
  it('is refused with the name of the first, which goes on', async () => {
    const first = await startServer();
    await expect(startServer({ dir: first.dir, keep: true })).rejects.toMatchObject({
      code: 'not_writer',
      message: expect.stringContaining(String(process.pid)),
    });
    const body = { prompt: 'still here' };
    expect((await first.request('POST', '/ops/drafts', { role: 'admin', body })).status).toBe(201);
  });
});

describe('a server that is not open yet', () => {
  it('answers 503 in the shape of an error, with the correlation id', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const kept = new Map<string, string>();
    const vault: SecretVault = {
      async get(name) {
        // The keys of providers are read after the port is bound.
        if (name.startsWith('provider.')) {
          asked();
          await opened;
        }
        return kept.get(name);
      },
      async set(secrets) {
        for (const [name, value] of Object.entries(secrets)) kept.set(name, value);
      },
      delete: async (name) => void kept.delete(name),
    };
    let asked: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    blocker.close();
    await once(blocker, 'close');
    const starting = startServer({ port, vault });
    await waiting;
    const reply = await fetch(`http://127.0.0.1:${port}/status`, {
      headers: { 'x-correlation-id': 'early' },
    });
    open();
    expect(reply.status).toBe(503);
    expect(reply.headers.get('x-correlation-id')).toBe('early');
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(await reply.json()).toMatchObject({ code: 'not_writer', correlation_id: 'early' });
    await starting;
  });
});
