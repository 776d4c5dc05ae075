import { describe, expect, it } from 'vitest';
import { unchangedSince } from '../../../src/client/unchanged.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from './support.ts';

const get = (server: TestServer, path: string) => server.request('GET', path, { role: 'admin' });
const put = (server: TestServer, path: string, body: unknown, tag?: string) =>
  server.request('PUT', path, {
    ...{ role: 'admin', body },
    headers: tag === undefined ? {} : { 'if-match': tag },
  });
const offline = (model: string) => ({
  active: 'offline',
  providers: { offline: { type: 'offline', model } },
});
const settings: [string, unknown, unknown][] = [
  ['/ops/config', { run_timeout_s: 10 }, { run_timeout_s: 20 }],
  ['/ops/provider', offline('one'), offline('two')],
];

describe.each(settings)('a PUT of %s with If-Match', (path, one, two) => {
  it('is done if they are as the caller saw them', async () => {
    const server = await startServer();
    const seen = await get(server, path);
    const set = await put(server, path, one, seen.headers.etag);
    expect(set.status, set.text).toBe(200);
    // What it answers is what a GET would, so the next change needs none.
    expect(set.headers.etag).toBe((await get(server, path)).headers.etag);
    expect((await put(server, path, two, set.headers.etag)).status).toBe(200);
  });

  it('is refused, audited and without effect if somebody has changed them', async () => {
    const server = await startServer();
    const seen = await get(server, path);
    await put(server, path, one);
    const { body, headers } = await get(server, path);
    const { detail } = expectError(await put(server, path, two, seen.headers.etag), 'stale');
    expect(detail).toMatch(/changed since you read them/);
    expect((await get(server, path)).body).toEqual(body);
    expect((await auditOf(server)).at(-1)).toMatchObject({ outcome: 'stale' });
    expect((await put(server, path, two, `"x", ${headers.etag}`)).status).toBe(200);
  });

  it('lets one of two win that saw the same', async () => {
    const server = await startServer();
    const { etag } = (await get(server, path)).headers;
    const replies = await Promise.all([put(server, path, one, etag), put(server, path, two, etag)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it('needs none, and a star stands for whatever is there', async () => {
    const server = await startServer();
    expect((await put(server, path, one)).status).toBe(200);
    expect((await put(server, path, two, '*')).status).toBe(200);
    expectError(
      await put(server, path, one, `W/${(await get(server, path)).headers.etag}`),
      'stale',
    );
  });
});

it('the typed client says what it has seen, in the window that hosts as well', async () => {
  const { host } = await startServer();
  const seen = await host.client.answer('getConfig', {});
  await host.client.call('setConfig', { run_timeout_s: 10 }, unchangedSince(seen));
  await expect(
    host.client.call('setConfig', { run_timeout_s: 20 }, unchangedSince(seen)),
  ).rejects.toMatchObject({ code: 'stale' });
});
