import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { behave } from '../../fixtures/model-server.ts';
import { type Reply, startServer } from '../harness.ts';
import { serverWith, startModels } from '../runs/support.ts';
import { lockDown, resolve } from '../security/support.ts';
import { expectError, newDraft } from '../wire/support.ts';
import { connect, done, message, post, textOf, versions } from './support.ts';

const Failure = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  error: z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() }),
});
/** Checks that a reply is an error of JSON-RPC. */
function failureOf(reply: Reply, status: number, code: number) {
  const { error } = Failure.parse(reply.body);
  expect(error.code, reply.text).toBe(code);
  expect(reply.status, reply.text).toBe(status);
  return error;
}

describe('before the protocol, as everywhere', () => {
  it('a token is asked for, and the Host and the Origin are looked at', async () => {
    const server = await startServer();
    const { body, headers } = message(versions[0], 'tools/list');
    expectError(await server.request('POST', '/mcp', { body, headers }), 'token_missing');
    const wrong = 'not-a-token-of-this-server';
    expectError(
      await server.request('POST', '/mcp', { body, headers, token: wrong }),
      'token_invalid',
    );
    for (const [name, value, code] of [
      ['host', 'evil.example', 'host_refused'],
      ['origin', 'https://evil.example', 'origin_refused'],
    ] as const) {
      const more = { ...headers, [name]: value };
      expectError(await post(server, 'admin', { body, headers: more }), code);
    }
  });

  it('a page that is listed may ask with the headers of the protocol', async () => {
    const origin = 'http://localhost:6274';
    const server = await startServer({ env: { ORCH_CORS_ORIGINS: origin } });
    const reply = await server.request('OPTIONS', '/mcp', { headers: { origin } });
    expect(reply.status).toBe(204);
    expect(reply.headers['access-control-allow-headers']).toMatch(
      /MCP-Protocol-Version, Mcp-Method, Mcp-Name/,
    );
  });

  it.each(['GET', 'DELETE', 'PUT'])(
    '%s is not taken, and the reply says what is',
    async (method) => {
      const server = await startServer();
      const reply = await server.request(method, '/mcp', { role: 'admin' });
      expectError(reply, 'method_not_allowed');
      expect(reply.headers.allow).toBe('POST');
    },
  );

  it('the rate is limited', async () => {
    const server = await startServer({ env: { ORCH_RATE_LIMIT_PER_MIN: '3' } });
    const sent = message(versions[0], 'tools/list');
    for (let n = 0; n < 3; n += 1) expect((await post(server, 'agent', sent)).status).toBe(200);
    const reply = await post(server, 'agent', sent);
    expectError(reply, 'rate_limited');
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    expect((await post(server, 'actions', sent)).status).toBe(200);
  });

  it('a body of more than 1 MiB, or of another type, is refused', async () => {
    const server = await startServer();
    const { body, headers } = message(versions[0], 'tools/call', { name: 'create_draft' });
    const huge = { ...body, padding: 'x'.repeat(1_048_576) };
    expectError(await post(server, 'agent', { body: huge, headers }), 'payload_too_large');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const more = { ...headers, 'content-type': type };
      expectError(await post(server, 'agent', { body, headers: more }), 'unsupported_media_type');
    }
  });

  it('every answer carries the correlation id, a refusal of a tool in its text too', async () => {
    const server = await startServer();
    const { body, headers } = message(versions[0], 'tools/call', {
      ...{ name: 'get_draft', arguments: { draft_id: 'd_1' } },
    });
    const id = 'my-own-id-1';
    const reply = await post(server, 'actions', {
      ...{ body, headers: { ...headers, 'x-correlation-id': id } },
    });
    expect(reply.headers['x-correlation-id']).toBe(id);
    expect(reply.text).toContain(`correlation_id: ${id}`);
  });
});

describe('in a lockdown', () => {
  it.each(versions)('tools of %s only read, and are listed all the same', async (version) => {
    const server = await startServer();
    await newDraft(server);
    await lockDown(server);
    const client = await connect(server, 'admin', version);
    const { tools } = await client.listTools();
    expect(tools).toHaveLength(17);
    expect((await done(client, 'list_drafts')).total).toBe(1);
    for (const name of ['create_draft', 'generate_draft', 'create_run']) {
      const result = await client.callTool({
        name,
        arguments: { prompt: 'x', approved_id: 'a_1' },
      });
      expect(textOf(result), name).toMatch(/^code: lockdown$/m);
    }
    await resolve(server);
    await done(client, 'create_draft', { prompt: 'again' });
  });
});

describe('versions', () => {
  it('the current one is told by server/discover, and asked for with each request', async () => {
    const server = await startServer();
    const reply = await post(server, 'actions', message(versions[0], 'server/discover'));
    expect(reply.status).toBe(200);
    expect(Object(reply.body).result).toMatchObject({
      supportedVersions: [versions[0]],
      capabilities: { tools: {} },
    });
    expect((await connect(server, 'actions', versions[0])).getNegotiatedProtocolVersion()).toBe(
      versions[0],
    );
  });

  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2025-03-26', '2025-03-26'],
    ['1999-01-01', '2025-11-25'],
  ])('a handshake that asks for %s gets %s', async (asked, given) => {
    const server = await startServer();
    const params = {
      protocolVersion: asked,
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    };
    const body = { jsonrpc: '2.0', id: 'a', method: 'initialize', params };
    const reply = await post(server, 'actions', { body });
    expect(reply.status).toBe(200);
    expect(Object(reply.body).result).toMatchObject({
      protocolVersion: given,
      serverInfo: { name: 'gimo', version: '0.0.0-test' },
    });
    expect(reply.headers['mcp-session-id']).toBeUndefined();
    expect(reply.headers['content-type']).toMatch(/^application\/json/);
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
    expect((await post(server, 'actions', { body: initialized })).status).toBe(202);
  });

  it('one that is not spoken is refused, with those that are', async () => {
    const server = await startServer();
    const { body } = message(versions[0], 'tools/list');
    const future = JSON.parse(JSON.stringify(body).replaceAll(versions[0], '2999-01-01'));
    const headers = { 'mcp-protocol-version': '2999-01-01', 'mcp-method': 'tools/list' };
    const { data } = failureOf(
      await post(server, 'actions', { body: future, headers }),
      400,
      -32022,
    );
    expect(Object(data).supported).toEqual([versions[0]]);
    const old = message('2025-11-25', 'tools/list');
    const odd = { ...old.headers, 'mcp-protocol-version': '1999-01-01' };
    expect((await post(server, 'actions', { ...old, headers: odd })).status).toBe(400);
  });

  it('headers that do not say what the body says are refused', async () => {
    const server = await startServer();
    const sent = message(versions[0], 'tools/call', { name: 'get_status', arguments: {} });
    const wrong = [
      { 'mcp-method': 'tools/list' },
      { 'mcp-name': 'create_draft' },
      { 'mcp-protocol-version': '2025-11-25' },
    ];
    for (const more of wrong) {
      const headers = { ...sent.headers, ...more };
      failureOf(await post(server, 'agent', { body: sent.body, headers }), 400, -32020);
    }
    expect((await post(server, 'agent', sent)).status).toBe(200);
  });
});

describe('what is no message', () => {
  it.each([
    ['nothing', undefined, -32700],
    ['no JSON', '{"jsonrpc":', -32700],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), -32700],
    ['a batch', [message('2025-11-25', 'tools/list').body], -32600],
    ['an empty batch', [], -32600],
    ['a deep batch', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, -32600],
    ['a number', '7', -32600],
    ['null', 'null', -32600],
    ['an empty object', {}, -32600],
    ['no method', { jsonrpc: '2.0', id: 1 }, -32600],
    ['another protocol', { jsonrpc: '1.0', id: 1, method: 'tools/list' }, -32600],
    ['a method that is no text', { jsonrpc: '2.0', id: 1, method: { a: 1 } }, -32600],
  ])('%s is answered with an error of the protocol', async (_what, body, code) => {
    const server = await startServer();
    failureOf(await post(server, 'agent', { body }), 400, code);
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each(versions)('arguments that are odd are refused and harm nothing (%s)', async (version) => {
    const server = await startServer();
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const odd = [
      { name: 'create_draft', arguments: { prompt: 'x', context: 'deep' } },
      { name: 'create_draft', arguments: [] },
      { name: 'create_draft', arguments: 'prompt' },
      { name: 7 },
      {},
      { name: 'create_draft', arguments: JSON.parse('{"__proto__":{"prompt":"x"}}') },
      { name: 'create_draft', arguments: { prompt: 'lone \ud800 surrogate' } },
      { name: 'get_draft', arguments: { draft_id: '../../etc/passwd' } },
      { name: 'list_drafts', arguments: { limit: 1e9 } },
      { name: 'read_file', arguments: { path: 'x', start_line: 'one' } },
    ];
    for (const params of odd) {
      const { body, headers } = message(version, 'tools/call', params);
      const text = JSON.stringify(body).replace('"deep"', deep);
      const reply = await post(server, 'admin', { body: text, headers });
      const { error, result } = Object(reply.body);
      expect(error !== undefined || result.isError === true, reply.text.slice(0, 300)).toBe(true);
      expect(reply.status).toBeLessThan(500);
    }
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await done(await connect(server, 'admin', version), 'list_drafts')).total).toBe(0);
  });

  it('what the server does not have is not found', async () => {
    const server = await startServer();
    for (const method of [
      'resources/list',
      'prompts/list',
      'subscriptions/listen',
      'logging/setLevel',
    ])
      failureOf(await post(server, 'admin', message(versions[0], method)), 404, -32601);
  });
});

describe.each(versions)('many at once, and those who go away (%s)', (version) => {
  it('fifty calls at the same time each get their own answer', async () => {
    const server = await startServer();
    const client = await connect(server, 'agent', version);
    const made = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const draft = await done(client, 'create_draft', { prompt: `number ${n}` });
        const read = await done(client, 'get_draft', { draft_id: draft.id });
        expect(read.prompt).toBe(`number ${n}`);
        return draft.id;
      }),
    );
    expect(new Set(made).size).toBe(50);
    expect((await done(client, 'list_drafts')).total).toBe(50);
  });

  it('a call whose caller is gone ends by itself, and what it asked for is there', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.words('An answer.'));
    const { body, headers } = message(version, 'tools/call', {
      ...{ name: 'generate_draft', arguments: { prompt: 'And off I go' } },
    });
    const drafted = new Promise<void>((made) => {
      server.host.onChange(({ type }) => type === 'draft' && made());
    });
    const raw = httpRequest({
      ...{ host: '127.0.0.1', port: server.host.port, method: 'POST', path: '/mcp', agent: false },
      headers: {
        ...headers,
        'content-type': 'application/json',
        authorization: `Bearer ${server.host.token('agent')}`,
      },
    });
    const hungUp = new Promise((over) => raw.on('close', over));
    raw.on('error', () => raw.destroy());
    raw.end(JSON.stringify(body), () => raw.destroy());
    await Promise.all([hungUp, drafted]);
    const client = await connect(server, 'agent', version);
    const { items } = await done(client, 'list_drafts');
    expect(items).toMatchObject([{ prompt: 'And off I go' }]);
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
