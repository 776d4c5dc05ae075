import { beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return server.dispose;
});
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('who is it', () => {
  it.each([
    ['no header', {}],
    ['an empty one', { authorization: '' }],
    ['a scheme without a token', { authorization: 'Bearer' }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
  ])('asks for a token when there is %s', async (_name, headers: Record<string, string>) => {
    const reply = await server.request('GET', '/status', { headers });
    expect(expectError(reply, 'token_missing').detail).toBe('Token missing');
    expect(reply.headers['www-authenticate']).toBe('Bearer');
  });

  it('refuses a token that is none', async () => {
    const reply = await server.request('GET', '/status', { token: 'x'.repeat(64) });
    expect(expectError(reply, 'token_invalid').detail).toBe('Invalid token');
    expect(reply.headers['www-authenticate']).toBe('Bearer');
  });

  it.each(['bearer', 'Bearer', 'BEARER', '  bEaReR   '])(
    'takes the scheme "%s"',
    async (scheme) => {
      const authorization = `${scheme} ${server.host.token('actions')}  `;
      const reply = await server.request('GET', '/status', { headers: { authorization } });
      expect(reply.status).toBe(200);
    },
  );

  it('does not take a token from the query', async () => {
    const reply = await server.request('GET', `/status?token=${server.host.token('admin')}`);
    expectError(reply, 'token_missing');
  });

  it('says 401 and not 404 to whoever has no token', async () => {
    expectError(await server.request('GET', '/nowhere'), 'token_missing');
  });
});

describe('the correlation id', () => {
  it.each(['a', 'A-z_0.9', 'x'.repeat(128)])('is the one that was given: %s', async (given) => {
    const headers = { 'x-correlation-id': given };
    const fine = await server.request('GET', '/health', { headers });
    expect(fine.headers['x-correlation-id']).toBe(given);
    const refused = await server.request('GET', '/status', { headers });
    expect(expectError(refused, 'token_missing').correlation_id).toBe(given);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', '<b>', 'ä'])(
    'is a new one instead of "%s"',
    async (given) => {
      const reply = await server.request('GET', '/', { headers: { 'x-correlation-id': given } });
      expect(reply.headers['x-correlation-id']).toMatch(uuid);
    },
  );

  it('is a new one for each request that brings none', async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => (await server.request('GET', '/')).headers['x-correlation-id']),
    );
    expect(ids[0]).toMatch(uuid);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('stands in the log and in the audit entries', async () => {
    const headers = { 'x-correlation-id': 'follow-me' };
    await server.request('POST', '/ops/drafts', { role: 'admin', body: { prompt: 'x' }, headers });
    expect(server.lines.some(({ fields }) => fields.correlation_id === 'follow-me')).toBe(true);
    const entries = (await auditOf(server)).filter((one) => one.correlation_id === 'follow-me');
    expect(entries.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['createDraft', 'intent'],
      ['createDraft', 'done'],
    ]);
    expect(entries[0]?.actor).toMatch(/^admin:[0-9a-f]{12}$/);
  });
});

describe('addresses', () => {
  const longId = `d_1_${'a'.repeat(300)}`;
  it.each([
    ['an id without its form', '/ops/drafts/hello'],
    ['an id of another kind', '/ops/drafts/r_1_abcdef'],
    ['a long id', `/ops/drafts/${longId}`],
    ['a long id of an artifact', `/ops/approved/a_1_${'a'.repeat(300)}`],
    ['a long id of a run', `/ops/runs/r_1_${'a'.repeat(300)}`],
    ['a long id of a log', `/ops/runs/r_1_${'a'.repeat(300)}/log`],
    ['dots', '/ops/drafts/..'],
    ['encoded dots', '/ops/drafts/%2e%2e'],
    ['a way out', '/ops/drafts/../config'],
    ['an encoded way out', '/ops/drafts/..%2f..%2fops%2fconfig'],
    ['an encoded way out, twice', '/ops/drafts/%252e%252e%252fconfig'],
    ['a backslash', '/ops/drafts/..%5cconfig'],
    ['an absolute path', '/ops/drafts/%2fetc%2fpasswd'],
    ['an id with its file extension', '/ops/drafts/d_1_abcdef.json'],
    ['a line end behind an id', '/ops/drafts/d_1_abcdef%0a'],
    ['a null byte', '/ops/drafts/%00'],
    ['a null byte behind an id', '/ops/drafts/d_1_abcdef%00'],
    ['half an escape', '/ops/drafts/%'],
    ['bytes that are no UTF-8', '/ops/drafts/%E0%A4%A'],
    ['an artifact that is a draft', '/ops/approved/d_1_abcdef'],
    ['nothing', '/nowhere'],
    ['an encoded slash', '/ops%2fdrafts'],
    ['two slashes', '//ops/drafts'],
    ['only slashes', '///'],
    ['a host that is none', '//['],
    ['a form for proxies that cannot be read', 'http://:99999/status'],
    ['a form for proxies that is cut', 'http://[/status'],
    ['an asterisk', '*'],
    ['another scheme', 'ftp://localhost/status'],
    ['another case', '/OPS/DRAFTS'],
  ])('answers 404 for %s', async (_name, path) => {
    const reply = await server.request('GET', path, { role: 'admin' });
    expectError(reply, 'not_found');
    expect(reply.text).not.toContain('aaaaaaaa');
  });

  it.each(['..%2f..%2fx', '%00', 'a_1_abcdef%00', `a_1_${'a'.repeat(300)}`, '/etc/passwd'])(
    'answers 404 for a run of "%s"',
    async (approved_id) => {
      const body = { approved_id };
      expectError(
        await server.request('POST', '/ops/runs', { role: 'operator', body }),
        'not_found',
      );
    },
  );

  it.each(['//', '//?challenge=x', 'http://:99999/', 'http://[/', '/%'])(
    'never fails on "%s" from a stranger',
    async (path) => {
      const reply = await server.request('GET', path);
      expect(reply.status).toBeLessThan(500);
      expect(reply.headers['x-correlation-id']).toMatch(uuid);
    },
  );

  it('understands the form that goes to proxies', async () => {
    const reply = await server.request('GET', 'http://localhost/status?x=1', { role: 'actions' });
    expect(reply.status).toBe(200);
  });

  it.each([
    ['DELETE', '/ops/drafts', 'GET, POST'],
    ['PATCH', '/ops/drafts/d_1_abcdef', 'GET, PUT'],
    ['GET', '/ops/drafts/d_1_abcdef/approve', 'POST'],
    ['POST', '/status', 'GET'],
    ['PUT', '/ops/runs', 'GET, POST'],
    ['GET', '/ops/generate', 'POST'],
    ['DELETE', '/ops/config', 'GET, PUT'],
  ])('answers 405 to %s %s and says what it takes', async (method, path, allow) => {
    const reply = await server.request(method, path, { role: 'admin' });
    expectError(reply, 'method_not_allowed');
    expect(String(reply.headers.allow).split(', ').sort().join(', ')).toBe(allow);
  });

  it.each(['/', '/health'])('answers 405 to POST %s', async (path) => {
    const reply = await server.request('POST', path);
    expectError(reply, 'method_not_allowed');
    expect(reply.headers.allow).toBe('GET');
  });

  it('logs no query', async () => {
    const path = '/ops/generate?prompt=my-private-words';
    await server.request('POST', path, { role: 'admin' });
    expect(JSON.stringify(server.lines)).not.toContain('my-private-words');
  });
});

describe('queries', () => {
  it.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=%ff', 'limit'],
    ['view=tiny', 'view'],
    ['status=unknown', 'status'],
    ['status=draft&status=', 'status'],
    ['cursor=%00', 'cursor'],
    [`cursor=${'x'.repeat(201)}`, 'cursor'],
  ])('refuses ?%s and says where', async (query, field) => {
    const reply = await server.request('GET', `/ops/drafts?${query}`, { role: 'actions' });
    const { detail } = expectError(reply, 'validation_error');
    expect(detail).toEqual([
      expect.objectContaining({ loc: expect.arrayContaining(['query', field]) }),
    ]);
    expect(Object.keys(Object(detail)[0]).sort()).toEqual(['loc', 'msg', 'type']);
  });

  it('takes the last of a field that is repeated', async () => {
    const list = (query: string) =>
      server.request('GET', `/ops/drafts?${query}`, { role: 'actions' });
    expect((await list('limit=0&limit=1')).status).toBe(200);
    expect((await list('limit=1&limit=0')).status).toBe(422);
  });

  it('ignores what it does not know', async () => {
    for (const query of ['foo=1', '__proto__=1', 'constructor=1', '&&&=&%'])
      expect(
        (await server.request('GET', `/ops/drafts?${query}`, { role: 'actions' })).status,
      ).toBe(200);
  });

  it('says that a wrong query value of a POST came in the query, and of a body in the body', async () => {
    const ask = (query: string, body?: unknown) =>
      server.request('POST', `/ops/drafts/d_1_abcdef/approve${query}`, { role: 'operator', body });
    const inQuery = expectError(await ask('?auto_run=perhaps'), 'validation_error');
    expect(inQuery.detail).toMatchObject([{ loc: ['query', 'auto_run'] }]);
    const inBody = expectError(await ask('', { auto_run: 'perhaps' }), 'validation_error');
    expect(inBody.detail).toMatchObject([{ loc: ['body', 'auto_run'] }]);
  });

  it.each(['after=-1', 'after=x', 'after=1.5'])('refuses a log ?%s', async (query) => {
    const path = `/ops/runs/r_1_abcdef/log?${query}`;
    expectError(await server.request('GET', path, { role: 'actions' }), 'validation_error');
  });
});
