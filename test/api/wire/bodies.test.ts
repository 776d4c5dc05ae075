import { request as httpRequest } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import { replyOf, startServer, type TestServer } from '../harness.ts';
import { expectError, locsOf, newDraft } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return server.dispose;
});

const post = (body: unknown, headers: Record<string, string> = {}) =>
  server.request('POST', '/ops/drafts', { role: 'admin', body, headers });

/** Sends headers that promise a body, and nothing of the body. */
async function promiseBody(headers: Record<string, string>) {
  const { port } = server.host;
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/ops/drafts',
    headers,
  });
  request.flushHeaders();
  try {
    return await new Promise<Awaited<ReturnType<typeof replyOf>>>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        replyOf(response).then(resolve, reject);
      });
    });
  } finally {
    request.destroy();
  }
}

const huge = { 'content-type': 'application/json', 'content-length': String(200 * 1024 * 1024) };
const bearer = (role: 'admin' | 'actions') => ({
  authorization: `Bearer ${server.host.token(role)}`,
});

describe('the size of a body', () => {
  it('does not matter without a token: 401 before a byte of it', async () => {
    expectError(await promiseBody(huge), 'token_missing');
    expectError(await promiseBody({ ...huge, authorization: 'Bearer wrong' }), 'token_invalid');
  });

  it('does not matter to a role that may not: 403 before a byte of it', async () => {
    expectError(await promiseBody({ ...huge, ...bearer('actions') }), 'role_required');
  });

  it('is refused from its announcement on', async () => {
    expectError(await promiseBody({ ...huge, ...bearer('admin') }), 'payload_too_large');
  });

  it('may be 1 MiB, and not a byte more', async () => {
    const body = (length: number) => `{"prompt":"${'x'.repeat(length - 13)}"}`;
    expect((await post(body(1_048_576))).status).toBe(201);
    expectError(await post(body(1_048_577)), 'payload_too_large');
  });

  it('is counted too where it was not announced', async () => {
    const headers = { 'transfer-encoding': 'chunked', 'content-type': 'application/json' };
    const { port } = server.host;
    const request = httpRequest({
      ...{ host: '127.0.0.1', port, method: 'POST', path: '/ops/drafts' },
      headers: { ...headers, ...bearer('admin') },
    });
    const reply = new Promise<Awaited<ReturnType<typeof replyOf>>>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        replyOf(response).then(resolve, reject);
      });
    });
    request.write(`{"prompt":"${'x'.repeat(1_048_577)}`);
    expectError(await reply, 'payload_too_large');
    request.destroy();
  });

  it('is nothing that the server fails on when the rest never comes', async () => {
    const { port } = server.host;
    const headers = { ...huge, 'content-length': '1000', ...bearer('admin') };
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/ops/drafts',
      headers,
    });
    const logged = server.whenLogged((line) => line.fields.correlation_id === 'cut-off');
    request.setHeader('x-correlation-id', 'cut-off').on('error', () => undefined);
    request.write('{"prompt":', () => request.destroy());
    expect((await logged).level).not.toBe('error');
  });
});

describe('the type of a body', () => {
  it.each([
    ['text/plain', '{"prompt":"x"}'],
    ['application/x-www-form-urlencoded', 'prompt=x'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/jsonp', '{"prompt":"x"}'],
    ['', '{"prompt":"x"}'],
    ['application/json; charset=latin1', '{"prompt":"x"}'],
    ['application/json; charset=utf-16', Buffer.from('{"prompt":"x"}', 'utf16le')],
  ])('cannot be "%s"', async (type, body) => {
    expectError(await post(body, { 'content-type': type }), 'unsupported_media_type');
  });

  it('cannot be compressed', async () => {
    for (const encoding of ['snappy', 'gzip', 'br'])
      expectError(await post('{}', { 'content-encoding': encoding }), 'unsupported_media_type');
  });

  it.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/problem+json'])(
    'can be %s',
    async (type) => {
      expect((await post('{"prompt":"x"}', { 'content-type': type })).status).toBe(201);
    },
  );
});

const bad = Buffer.concat([
  Buffer.from('{"prompt":"'),
  Buffer.from([0xff, 0xfe]),
  Buffer.from('"}'),
]);
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('what a body may not hold', () => {
  it.each<[string, string | Buffer, (string | number)[]]>([
    ['a cut object', '{"prompt":"x"', ['body']],
    ['a cut string', '{"prompt":"x', ['body']],
    ['nothing but space', '   ', ['body']],
    ['NaN', '{"prompt":NaN}', ['body']],
    ['Infinity', '{"prompt":"x","context":{"a":-Infinity}}', ['body']],
    ['bytes that are no UTF-8', bad, ['body']],
    [
      'a number beyond all bounds',
      '{"prompt":"x","context":{"a":1e999}}',
      ['body', 'context', 'a'],
    ],
    ['half a surrogate pair', '{"prompt":"\\ud800"}', ['body', 'prompt']],
    ['the other half', '{"prompt":"a\\udc00b"}', ['body', 'prompt']],
    ['half a pair in a key', '{"prompt":"x","context":{"\\ud800":1}}', ['body', 'context']],
    ['a null character', '{"prompt":"a\\u0000b"}', ['body', 'prompt']],
    [
      'one deep down',
      '{"prompt":"x","context":{"a":[{"b":"\\u0000"}]}}',
      ['body', 'context', 'a', 0, 'b'],
    ],
    ['__proto__', '{"prompt":"x","__proto__":{"admin":true}}', ['body']],
    ['__proto__ in the context', '{"prompt":"x","context":{"__proto__":{}}}', ['body', 'context']],
    [
      '100,000 levels',
      `{"prompt":"x","context":{"a":${nested(100_000)}}}`,
      ['body', 'context', 'a', 0, 0, 0, 0, 0],
    ],
    ['levels and nothing else', '['.repeat(500_000), ['body']],
    ['null', 'null', ['body']],
    ['a list', '[{"prompt":"x"}]', ['body']],
    ['a text', '"prompt"', ['body']],
    ['no prompt', '{}', ['body', 'prompt']],
    ['an empty prompt', '{"prompt":""}', ['body', 'prompt']],
    ['a prompt that is no text', '{"prompt":["x"]}', ['body', 'prompt']],
    ['a context that is a list', '{"prompt":"x","context":[]}', ['body', 'context']],
    ['steps without an end', '{"prompt":"x","steps":[]}', ['body', 'steps']],
  ])('%s', async (_name, body, loc) => {
    const [found = []] = locsOf(await post(body));
    expect(found.slice(0, 8)).toEqual(loc);
  });

  it('leaves no trace of it in the answer', async () => {
    const reply = await post('{"prompt":{"my-private-words":1},"context":"my-private-words"}');
    expectError(reply, 'validation_error');
    expect(reply.text).not.toContain('my-private-words');
  });

  it('changes nothing about what all objects inherit', async () => {
    await post('{"prompt":"x","context":{"constructor":{"prototype":{"admin":true}}}}');
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });

  it('never makes the server fail', () => {
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('what a body may hold', () => {
  it('64 levels, any Unicode and any number', async () => {
    const context = { deep: JSON.parse(nested(60)), text: '𝒳 \u202e\n', n: [1e21, 0.1, -5] };
    const made = await post({ prompt: '漢字 👩‍💻', context });
    expect(Draft.parse(made.body)).toMatchObject({ prompt: '漢字 👩‍💻', context });
  });

  it('a mark of the byte order in front', async () => {
    expect((await post('\ufeff{"prompt":"x"}')).status).toBe(201);
  });

  it('the same key twice: the last one counts, as it does everywhere', async () => {
    const made = await post('{"prompt":"first","prompt":"last"}');
    expect(made.body).toMatchObject({ prompt: 'last' });
  });

  it('fields that a draft does not know: they are ignored', async () => {
    const made = await post({
      prompt: 'x',
      status: 'approved',
      id: 'd_1_abcdef',
      seal: 's',
      foo: 1,
    });
    const draft = Draft.parse(made.body);
    expect(draft).toMatchObject({ status: 'draft', approved_id: null });
    expect(draft.id).not.toBe('d_1_abcdef');
    expect(made.text).not.toContain('foo');
    expect(made.text).not.toContain('seal');
  });

  it('fields in other bodies that nobody knows: ignored too', async () => {
    const { id } = await newDraft(server);
    const ask = (path: string) =>
      server.request('POST', path, { role: 'admin', body: { foo: 1, draft_id: 'd_9_ffffff' } });
    expect((await ask(`/ops/drafts/${id}/approve`)).status).toBe(200);
    expect((await ask(`/ops/drafts/${(await newDraft(server)).id}/reject`)).status).toBe(200);
  });
});

describe('fields that nobody knows are refused', () => {
  const offline = { type: 'offline', model: 'offline' };
  const step = { id: 's1', kind: 'prompt', text: 'x' };
  it.each<[string, string, string, unknown]>([
    ['in the configuration', 'PUT', '/ops/config', { max_concurent_runs: 2 }],
    [
      'in an allowed command',
      'PUT',
      '/ops/config',
      { command_allowlist: [{ program: '/bin/true', args_prefix: [], cwd: '/' }] },
    ],
    [
      'beside the providers',
      'PUT',
      '/ops/provider',
      { active: 'o', providers: { o: offline }, default: 'o' },
    ],
    [
      'in a provider',
      'PUT',
      '/ops/provider',
      { active: 'o', providers: { o: { ...offline, apikey: 'x' } } },
    ],
    ['in a step', 'POST', '/ops/drafts', { prompt: 'x', steps: [{ ...step, txet: 'y' }] }],
  ])('%s', async (_name, method, path, body) => {
    expect(locsOf(await server.request(method, path, { role: 'admin', body }))[0]?.[0]).toBe(
      'body',
    );
  });
});
