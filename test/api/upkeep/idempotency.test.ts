import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { httpTransport } from '../../../src/client/http.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, auditOf, expectError, newDraft } from '../wire/support.ts';
import { fileOf } from './support.ts';

const post = (
  server: TestServer,
  path: string,
  key: string,
  body: unknown = undefined,
  role: 'admin' | 'operator' | 'agent' = 'admin',
) => server.request('POST', path, { role, body, headers: { 'idempotency-key': key } });
const idOf = (body: unknown) => String(Object(body).id);
const count = async (server: TestServer, folder: string) =>
  (await readdir(fileOf(server, folder))).filter((name) => name.endsWith('.json')).length;

describe('the same key and the same request', () => {
  it('make one draft, and answer it as it is now', async () => {
    const server = await startServer();
    const first = await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    const id = idOf(first.body);
    await server.request('PUT', `/ops/drafts/${id}`, { role: 'admin', body: { prompt: 'y' } });
    const again = await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    expect([again.status, idOf(again.body)]).toEqual([201, id]);
    expect(again.body).toMatchObject({ prompt: 'y' });
    expect(again.headers.etag).toBeDefined();
    expect(await count(server, 'drafts')).toBe(1);
    const creations = (await auditOf(server)).filter(
      ({ operation }) => operation === 'createDraft',
    );
    expect(creations.map(({ outcome }) => outcome)).toEqual(['intent', 'done']);
  });

  it('mean the same in header and body', async () => {
    const server = await startServer();
    const body = { prompt: 'x', idempotency_key: 'k' };
    const first = await server.request('POST', '/ops/drafts', { role: 'admin', body });
    const again = await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    expect(idOf(again.body)).toBe(idOf(first.body));
    expectError(await post(server, '/ops/drafts', 'other', body), 'validation_error');
  });

  it('approve once, run once, and answer the run as it is now', async () => {
    const server = await startServer();
    const { id } = await newDraft(server);
    const path = `/ops/drafts/${id}/approve?auto_run=true`;
    const first = await post(server, path, 'k', undefined, 'operator');
    expect(first.status, first.text).toBe(200);
    const again = await post(server, path, 'k', undefined, 'operator');
    expect(again.status, again.text).toBe(200);
    expect(Object(again.body).approved).toEqual(Object(first.body).approved);
    expect(idOf(Object(again.body).run)).toBe(idOf(Object(first.body).run));
    expect([await count(server, 'approved'), await count(server, 'runs')]).toEqual([1, 1]);
    // Without the key it is what it always was.
    expectError(await server.request('POST', path, { role: 'operator' }), 'conflict_state');
  });

  it('make one run, one redraft and one generated draft', async () => {
    const server = await startServer();
    const approved = await approve(server, (await newDraft(server)).id);
    const asked: [string, unknown][] = [
      ['/ops/runs', { approved_id: approved.id }],
      [`/ops/approved/${approved.id}/redraft`, undefined],
      ['/ops/generate?prompt=tidy', undefined],
    ];
    for (const [path, body] of asked) {
      const first = await post(server, path, 'k', body);
      const again = await post(server, path, 'k', body);
      expect([first.status, again.status], again.text).toEqual([201, 201]);
      expect(idOf(again.body)).toBe(idOf(first.body));
    }
    expect([await count(server, 'drafts'), await count(server, 'runs')]).toEqual([3, 1]);
  });

  it('hold over a restart, and the key itself stands nowhere', async () => {
    const server = await startServer({ env: { ORCH_TOKEN: 'a'.repeat(20) } });
    const first = await post(server, '/ops/drafts', 'my-own-key', { prompt: 'x' });
    const next = await server.restart();
    const again = await post(next, '/ops/drafts', 'my-own-key', { prompt: 'x' });
    expect(idOf(again.body)).toBe(idOf(first.body));
    const kept = await readFile(join(next.host.ledgerDir, 'idempotency.jsonl'), 'utf8');
    expect(kept).not.toContain('my-own-key');
  });

  it('wait for each other when they come at the same time', async () => {
    const server = await startServer();
    const all = await Promise.all(
      Array.from({ length: 8 }, () => post(server, '/ops/drafts', 'k', { prompt: 'x' })),
    );
    expect(new Set(all.map(({ body }) => idOf(body))).size).toBe(1);
    expect(await count(server, 'drafts')).toBe(1);
  });

  it('answer 404 when what they made is gone, and make nothing', async () => {
    const server = await startServer();
    const first = await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    await rm(fileOf(server, 'drafts', `${idOf(first.body)}.json`));
    expectError(await post(server, '/ops/drafts', 'k', { prompt: 'x' }), 'not_found');
    const next = await server.restart();
    expectError(await post(next, '/ops/drafts', 'k', { prompt: 'x' }), 'not_found');
    expect(await count(next, 'drafts')).toBe(0);
  });
});

describe('the same key', () => {
  it('with another request is refused', async () => {
    const server = await startServer();
    await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    expectError(await post(server, '/ops/drafts', 'k', { prompt: 'y' }), 'idempotency_mismatch');
    const one = await newDraft(server);
    const two = await newDraft(server);
    await post(server, `/ops/drafts/${one.id}/approve`, 'a');
    const other = await post(server, `/ops/drafts/${two.id}/approve`, 'a');
    expectError(other, 'idempotency_mismatch');
  });

  it('of another caller or another operation is another key', async () => {
    const server = await startServer();
    const mine = await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    const theirs = await post(server, '/ops/drafts', 'k', { prompt: 'y' }, 'agent');
    const generated = await post(server, '/ops/generate?prompt=tidy', 'k');
    expect([mine.status, theirs.status, generated.status]).toEqual([201, 201, 201]);
    expect(await count(server, 'drafts')).toBe(3);
  });

  it('is asked for after the role', async () => {
    const server = await startServer();
    await post(server, '/ops/drafts', 'k', { prompt: 'x' });
    const refused = await post(server, '/ops/drafts', 'k', { prompt: 'x' }, 'operator');
    expectError(refused, 'role_required');
  });

  it('keeps nothing of what was refused', async () => {
    const server = await startServer();
    const { id } = await newDraft(server);
    const path = `/ops/drafts/${id}/approve`;
    expectError(await post(server, `${path}?digest=wrong`, 'k'), 'stale');
    expect((await post(server, path, 'k')).status).toBe(200);
  });

  it('is ignored by what creates nothing', async () => {
    const server = await startServer();
    const { id } = await newDraft(server);
    const headers = { 'idempotency-key': 'k' };
    const put = (prompt: string) =>
      server.request('PUT', `/ops/drafts/${id}`, { role: 'admin', body: { prompt }, headers });
    expect([(await put('a')).status, (await put('b')).status]).toEqual([200, 200]);
  });

  it.each(['', 'x'.repeat(256), ' '])('cannot be "%s"', async (key) => {
    const server = await startServer();
    const body = { prompt: 'x', idempotency_key: key };
    const reply = await server.request('POST', '/ops/drafts', { role: 'admin', body });
    expectError(reply, 'validation_error');
  });
});

describe('the typed client', () => {
  it('carries a key over both transports', async () => {
    const { host } = await startServer();
    const options = { idempotencyKey: 'k' };
    const http = createClient(httpTransport(host.url, host.token('admin')));
    for (const client of [host.client, http]) {
      const first = await client.call('createDraft', { prompt: 'x' }, options);
      const again = await client.call('createDraft', { prompt: 'x' }, options);
      expect(again.id).toBe(first.id);
    }
  });
});
