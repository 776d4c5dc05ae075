import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import type { TokenRole } from '../../../src/core/principals.ts';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';
import { allow, writeFiles } from '../repository/support.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

/* A public address that leads to the server, with the checks of Host and Origin on. */

let dir: string;
let server: TestServer;
let tunnel: Tunnel;
let publicUrl: string | null;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-tunnel-'));
  server = await startServer({ dir, keep: true, publicUrl: () => publicUrl });
  tunnel = await openTunnel({ to: () => server.host.port, dir });
  publicUrl = tunnel.url;
});
afterAll(async () => {
  await tunnel?.close();
  await server?.dispose();
  await rm(dir, { recursive: true, force: true });
});
const as = (role: TokenRole) => ({ token: server.host.token(role) });

/** A server of its own with a tunnel to it. */
async function another(options: StartOptions, rewritesHost = false) {
  const own = await mkdtemp(join(tmpdir(), 'gimo-tunnel-'));
  const behind = await startServer(options);
  const way = await openTunnel({ to: () => behind.host.port, dir: own, rewritesHost });
  onTestFinished(async () => {
    await way.close();
    await rm(own, { recursive: true, force: true });
  });
  return { behind, way };
}

describe('who is let through', () => {
  it('works once the public address is set, and is refused with what to do before', async () => {
    expect((await tunnel.request('GET', '/actions/status', as('agent'))).status).toBe(200);
    publicUrl = null;
    const refused = await tunnel.request('GET', '/actions/status', as('agent'));
    publicUrl = tunnel.url;
    const { detail } = expectError(refused, 'host_refused');
    expect(detail).toMatch(/name its address in the setting gimo\.publicUrl/);
    expect((await server.request('GET', '/status', { role: 'agent' })).status).toBe(200);
  });

  it('a port may be said if it goes without saying, and no other', async () => {
    const at = (host: string) =>
      tunnel.request('GET', '/health', { headers: { host } }).then(({ status }) => status);
    expect(await at('gimo.example.com:443')).toBe(200);
    expect(await at('GIMO.example.com')).toBe(200);
    expect(await at('gimo.example.com:80')).toBe(403);
  });

  it.each([
    'evil.example',
    'gimo.example.com.evil.example',
    'sub.gimo.example.com',
    'gimo.example.com@evil.example',
    '203.0.113.7',
  ])('another name that leads here is refused: %s', async (host) => {
    const reply = await tunnel.request('GET', '/status', { ...as('admin'), headers: { host } });
    expectError(reply, 'host_refused');
  });

  it('what a proxy says about the name that was called opens nothing', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'gimo.example.com' };
    const reply = await tunnel.request('GET', '/status', { ...as('admin'), headers });
    expectError(reply, 'host_refused');
  });

  it.each(['https://evil.example', 'https://gimo.example.com', 'null'])(
    'a page is refused, wherever it comes from: %s',
    async (origin) => {
      const sent = { ...as('admin'), headers: { origin }, body: { prompt: 'From a page' } };
      const reply = await tunnel.request('POST', '/actions/ops/drafts', sent);
      expectError(reply, 'origin_refused');
      expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
      const preflight = await tunnel.request('OPTIONS', '/actions/ops/drafts', {
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expectError(preflight, 'origin_refused');
    },
  );

  it('without a token there is nothing but the sign of life', async () => {
    expect((await tunnel.request('GET', '/health')).body).toEqual({ status: 'ok' });
    for (const path of ['/actions/status', '/ops/openapi.json?for=actions', '/ops/events'])
      expectError(await tunnel.request('GET', path), 'token_missing');
    const mcp = await tunnel.request('POST', '/mcp', { body: {} });
    expectError(mcp, 'token_missing');
  });

  it('where the tunnel puts the local address instead, any name passes, and the document names the public one', async () => {
    const { behind, way } = await another({ publicUrl: () => tunnel.url }, true);
    const token = behind.host.token('agent');
    const headers = { host: 'whatever.example' };
    const path = '/ops/openapi.json?for=actions';
    const reply = await way.request('GET', path, { token, headers });
    expect(reply.body).toMatchObject({ servers: [{ url: `${tunnel.url}/actions` }] });
  });
});

describe('what comes through', () => {
  const Document = z.object({ servers: z.array(z.object({ url: z.string() })) });

  it('the document names the public address, and what it names is there', async () => {
    const reply = await tunnel.request('GET', '/ops/openapi.json?for=actions', as('agent'));
    const [at] = Document.parse(reply.body).servers;
    expect(at?.url).toBe('https://gimo.example.com/actions');
    const path = new URL(at?.url ?? '').pathname;
    const body = { prompt: 'Through the tunnel', idempotency_key: 'once' };
    const made = await tunnel.request('POST', `${path}/ops/drafts`, { ...as('agent'), body });
    expect(made.status, made.text).toBe(201);
    const again = await tunnel.request('POST', `${path}/ops/drafts`, { ...as('agent'), body });
    expect(again.body).toEqual(made.body);
  });

  it('answers stay under 100,000 characters, and lists lead on below the same address', async () => {
    for (let n = 0; n < 4; n += 1) await newDraft(server, { content: 'z'.repeat(60_000) });
    let path: string | undefined = '/actions/ops/drafts?limit=5';
    const ids: string[] = [];
    for (let pages = 0; path !== undefined; pages += 1) {
      expect(pages).toBeLessThan(10);
      const reply = await tunnel.request('GET', path, as('actions'));
      expect(reply.text.length).toBeLessThan(100_000);
      for (const { id } of z.array(z.object({ id: z.string() })).parse(reply.body)) ids.push(id);
      path = /<(\/actions[^>]*)>/.exec(String(reply.headers.link ?? ''))?.[1];
    }
    const all = await server.request('GET', '/ops/drafts', { role: 'actions' });
    expect(ids).toHaveLength(z.array(z.unknown()).parse(all.body).length);
  });

  it('events pass as they happen', async () => {
    const stream = await tunnel.open('GET', '/ops/events', as('actions'));
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const lines = createInterface({ input: stream });
    const seen = new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        if (line.startsWith('data:')) resolve(line);
      });
    });
    const { id } = await newDraft(server);
    expect(await seen).toContain(id);
    stream.destroy();
  });

  it('an MCP client works under the public address', async () => {
    const client = new Client({ name: 'outside', version: '0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${tunnel.url}/mcp`), {
      fetch: async (url, init) => {
        const sent = new Request(url, init);
        const reply = await tunnel.request(sent.method, new URL(url).pathname, {
          headers: { ...Object.fromEntries(sent.headers), ...{ host: 'gimo.example.com' } },
          ...(sent.body === null ? {} : { body: await sent.json() }),
        });
        const type = String(reply.headers['content-type'] ?? 'text/plain');
        const { status, text } = reply;
        return new Response(status === 202 ? null : text, {
          status,
          headers: { 'content-type': type },
        });
      },
      requestInit: { headers: { Authorization: `Bearer ${server.host.token('agent')}` } },
    });
    await client.connect(transport);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('create_draft');
    await client.close();
  });

  it('what clients may not read stays unread, and a body that is too large is turned away', async () => {
    await writeFiles(server.root, { 'src/a.ts': 'export {};\n', '.env': 'KEY=value\n' });
    await allow(server, 'src');
    const file = (path: string) => tunnel.request('GET', `/actions/file?path=${path}`, as('agent'));
    expect((await file('src/a.ts')).text).toContain('export {};');
    expectError(await file('.env'), 'path_refused');
    const body = { prompt: 'x'.repeat(1_100_000) };
    const large = await tunnel.request('POST', '/actions/ops/drafts', { ...as('agent'), body });
    expectError(large, 'payload_too_large');
  });
});

describe('what the server sees of who calls', () => {
  it('the audit has the role and the correlation id, and no word of what the proxy adds', async () => {
    const headers = { 'x-correlation-id': 'from-outside', 'x-forwarded-for': '198.51.100.9' };
    const body = { prompt: 'Who asked for this?' };
    await tunnel.request('POST', '/actions/ops/drafts', { ...as('agent'), headers, body });
    const entries = (await auditOf(server)).filter(
      ({ correlation_id }) => correlation_id === 'from-outside',
    );
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry.actor).toMatch(/^agent:[0-9a-f]{12}$/);
      expect(JSON.stringify(entry)).not.toMatch(/198\.51\.100|203\.0\.113|example\.com/);
    }
  });

  it('a token has one budget, whatever address the proxy tells; strangers have another', async () => {
    const complaints = vi.spyOn(console, 'error');
    const { behind, way } = await another({
      ...{ publicUrl: () => tunnel.url, env: { ORCH_RATE_LIMIT_PER_MIN: '3' } },
    });
    const ask = (role: TokenRole | null, from: number) =>
      way.request('GET', '/actions/status', {
        ...(role === null ? {} : { token: behind.host.token(role) }),
        headers: { 'x-forwarded-for': `198.51.100.${from}` },
      });
    for (const from of [1, 2, 3]) expect((await ask('agent', from)).status).toBe(200);
    const refused = await ask('agent', 4);
    expectError(refused, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    for (const from of [5, 6, 7]) expectError(await ask(null, from), 'token_missing');
    expectError(await ask(null, 8), 'rate_limited');
    expect((await ask('actions', 9)).status).toBe(200);
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
  });

  it('who guesses tokens from outside locks out strangers only', async () => {
    const { behind, way } = await another({ publicUrl: () => tunnel.url });
    const ask = (token: string) => way.request('GET', '/actions/status', { token });
    for (let n = 0; n < 5; n += 1) expect((await ask(`a-guess-number-${n}`)).status).toBe(401);
    expectError(await ask('another-guess-of-it'), 'lockdown');
    expect((await ask(behind.host.token('agent'))).status).toBe(200);
  });
});
