import { once } from 'node:events';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { proofText } from '../../../src/contract/proof.ts';
import { readLedgerMac } from '../../../src/store/proof.ts';
import { startServer, type TestServer } from '../harness.ts';
import { expectError } from './support.ts';

let server: TestServer;
const page = 'https://panel.example';
beforeAll(async () => {
  server = await startServer({
    keep: true,
    env: { ORCH_CORS_ORIGINS: ` ${page} , http://localhost:5173, *` },
  });
  return server.dispose;
});

/** Sends bytes as they are, and reads until the server closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(server.host.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  return readText(socket);
}

describe('the Host header', () => {
  const get = (host: string, path = '/health') =>
    server.request('GET', path, { role: 'admin', headers: { host } });

  it.each(['evil.example', 'evil.example:9325', 'localhost', '127.0.0.1', '[::1]', '0.0.0.0'])(
    'refuses "%s", the public addresses included',
    async (host) => {
      expectError(await get(host), 'host_refused');
      expectError(await get(host, '/status'), 'host_refused');
    },
  );

  it('refuses a name that ends as ours, and another port', async () => {
    const { port } = server.host;
    expectError(await get(`localhost.evil.example:${port}`), 'host_refused');
    expectError(await get(`evil.example#localhost:${port}`), 'host_refused');
    expectError(await get(`localhost:${port + 1}`), 'host_refused');
  });

  it('takes 127.0.0.1 and localhost, in any case', async () => {
    const { port } = server.host;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`])
      expect((await get(host)).status).toBe(200);
  });

  it.each([
    ['none', 'HTTP/1.0', ''],
    ['none', 'HTTP/1.1', ''],
    ['an empty one', 'HTTP/1.1', 'Host:\r\n'],
  ])('refuses %s (%s)', async (_name, version, host) => {
    const reply = await raw(`GET /health ${version}\r\n${host}Connection: close\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 403 /);
    expect(reply).toContain('"code":"host_refused"');
    expect(reply).toMatch(/\r\nX-Correlation-ID: /i);
  });
});

describe('the Origin header', () => {
  it.each([
    'https://evil.example',
    'null',
    `${page}.evil.example`,
    `${page}:8443`,
    '*',
    'HTTP://LOCALHOST',
  ])('refuses %s before it looks at the token', async (origin) => {
    const reply = await server.request('GET', '/status', { role: 'admin', headers: { origin } });
    expectError(reply, 'origin_refused');
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('refuses a preflight of such a page', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    expectError(await server.request('OPTIONS', '/ops/drafts', { headers }), 'origin_refused');
  });

  it('refuses the public addresses as well', async () => {
    const headers = { origin: 'https://evil.example' };
    expectError(await server.request('GET', '/health', { headers }), 'origin_refused');
  });

  it('lets a listed page in, and read what it needs', async () => {
    const reply = await server.request('GET', '/ops/drafts', {
      role: 'admin',
      headers: { origin: page },
    });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBe(page);
    expect(reply.headers.vary).toContain('Origin');
    expect(reply.headers['access-control-allow-credentials']).toBeUndefined();
    const exposed = String(reply.headers['access-control-expose-headers'])
      .toLowerCase()
      .split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['etag', 'link', 'x-correlation-id', 'x-total-count', 'retry-after']),
    );
  });

  it('lets a listed page read why it was refused', async () => {
    const reply = await server.request('GET', '/ops/drafts', { headers: { origin: page } });
    expectError(reply, 'token_missing');
    expect(reply.headers['access-control-allow-origin']).toBe(page);
  });

  it('answers the preflight of a listed page without a token', async () => {
    const reply = await server.request('OPTIONS', '/ops/drafts', { headers: { origin: page } });
    expect(reply.status).toBe(204);
    expect(reply.headers['access-control-allow-methods']).toBe('GET, POST, PUT');
    const allowed = String(reply.headers['access-control-allow-headers']).toLowerCase().split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'if-match',
        'if-none-match',
        'x-correlation-id',
      ]),
    );
  });
});

describe('what is public', () => {
  it.each(['/', '/health'])('GET %s', async (path) => {
    const reply = await server.request('GET', path);
    expect([reply.status, reply.text]).toEqual([200, '{"status":"ok"}']);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.headers['x-powered-by']).toBeUndefined();
  });

  it('OPTIONS, anywhere', async () => {
    for (const path of ['/', '/ops/drafts', '/nowhere'])
      expect((await server.request('OPTIONS', path)).status).toBe(204);
  });
});

describe('the challenge', () => {
  it('is answered with the proof of the ledger, for the address that was dialled', async () => {
    const mac = await readLedgerMac(server.host.ledgerDir);
    for (const nonce of ['0123456789abcdef'.repeat(2), 'AbCdEf01'.repeat(8)]) {
      const reply = await server.request('GET', `/health?challenge=${nonce}`);
      const proof = mac?.('proof', proofText(nonce, `127.0.0.1:${server.host.port}`));
      expect(reply.body).toEqual({ status: 'ok', proof });
    }
  });

  it('proves no other address, whatever the Host header says', async () => {
    const nonce = 'ab'.repeat(16);
    const host = `localhost:${server.host.port}`;
    const reply = await server.request('GET', `/health?challenge=${nonce}`, { headers: { host } });
    const mac = await readLedgerMac(server.host.ledgerDir);
    expect(reply.body).not.toMatchObject({ proof: mac?.('proof', proofText(nonce, host)) });
  });

  it.each([
    '',
    'ab',
    'x'.repeat(32),
    'a'.repeat(31),
    'a'.repeat(65),
    'seal%0Aabcdef0123456789abcdef012345',
  ])('has to be 32 to 64 hex digits, not "%s"', async (nonce) => {
    const reply = await server.request('GET', `/health?challenge=${nonce}`);
    expect(expectError(reply, 'validation_error').detail).toMatchObject([
      { loc: ['query', 'challenge'] },
    ]);
  });
});
