import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from '../wire/support.ts';
import { allow, ask, inSeconds, writeFiles } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  await writeFiles(server.root, { 'src/a.txt': 'a' });
  await allow(server, 'src');
  return server.dispose;
});

describe('the allowlist', () => {
  it('covers nothing before anybody has accepted an entry', async () => {
    const other = await startServer();
    await writeFiles(other.root, {
      'a.txt': 'needle',
      '.orch_data/ops/allowlist.json': JSON.stringify({
        paths: [{ path: '.', expires_at: inSeconds(999) }],
      }),
    });
    expectError(await ask(other, '/file', { path: 'a.txt' }), 'path_refused');
    expect((await ask(other, '/tree')).body).toEqual({ files: [], truncated: false });
    expect(Object((await ask(other, '/search', { q: 'needle' })).body).results).toEqual([]);
  });

  it('is kept in the ledger and copied into the workspace, and survives a restart', async () => {
    const first = await startServer();
    await writeFiles(first.root, { 'a/b.txt': 'b\n' });
    const put = await allow(first, './a/');
    expect(Object(put.body).paths).toEqual([
      { path: 'a', type: 'dir', expires_at: expect.stringMatching(/Z$/) },
    ]);
    const stored = join(first.host.ledgerDir, 'accepted', 'allowlist.json');
    const copy = join(first.host.dataDir, 'ops', 'allowlist.json');
    expect(await readFile(copy, 'utf8')).toBe(await readFile(stored, 'utf8'));
    await unlink(copy);
    const again = await first.restart();
    expect((await ask(again, '/file', { path: 'a/b.txt' })).text).toBe('b\n');
    expect((await again.request('GET', '/ui/allowlist', { role: 'operator' })).body).toEqual(
      put.body,
    );
  });

  it('has entries that expire', async () => {
    const other = await startServer();
    await writeFiles(other.root, { 'a.txt': 'a', 'b.txt': 'b' });
    const body = {
      paths: [
        { path: 'a.txt', expires_at: inSeconds(-1) },
        { path: 'b.txt', expires_at: '2999-01-01T02:00:00+02:00' },
      ],
    };
    const put = await other.request('PUT', '/ui/allowlist', { role: 'admin', body });
    expect(Object(put.body).paths).toEqual([
      { path: 'b.txt', type: 'file', expires_at: '2999-01-01T00:00:00.000Z' },
    ]);
    expectError(await ask(other, '/file', { path: 'a.txt' }), 'path_refused');
    expect((await ask(other, '/file', { path: 'b.txt' })).text).toBe('b');
  });

  it('gives an entry without an end the usual time', async () => {
    const other = await startServer({ env: { ORCH_ALLOWLIST_TTL: '60' } });
    await writeFiles(other.root, { 'a.txt': 'a' });
    const body = { paths: [{ path: 'a.txt' }] };
    const put = await other.request('PUT', '/ui/allowlist', { role: 'admin', body });
    const until = Date.parse(Object(put.body).paths[0].expires_at) - Date.now();
    expect(until).toBeGreaterThan(0);
    expect(until).toBeLessThanOrEqual(60_000);
  });

  it('reads the older form with one timestamp, once it was accepted', async () => {
    const first = await startServer();
    await writeFiles(first.root, { 'a.txt': 'a', 'b.txt': 'b' });
    await first.host.stop();
    const accepted = join(first.host.ledgerDir, 'accepted', 'allowlist.json');
    const older = (age: number) =>
      writeFile(accepted, JSON.stringify({ timestamp: Date.now() / 1000 - age, paths: ['a.txt'] }));
    await older(0);
    const again = await first.restart();
    expect((await ask(again, '/file', { path: 'a.txt' })).text).toBe('a');
    expectError(await ask(again, '/file', { path: 'b.txt' }), 'path_refused');
    await older(301);
    expectError(await ask(again, '/file', { path: 'a.txt' }), 'path_refused');
  });

  it.each(['../x', '/etc', '.env', '.git', 'a\\b', 'node_modules'])(
    'refuses an entry for %s',
    async (path) => {
      const body = { paths: [{ path }] };
      const put = await server.request('PUT', '/ui/allowlist', { role: 'admin', body });
      expectError(put, 'path_refused');
    },
  );

  it('refuses an entry that leads to nothing, and a date that is none', async () => {
    const put = (entry: object) =>
      server.request('PUT', '/ui/allowlist', { role: 'admin', body: { paths: [entry] } });
    expectError(await put({ path: 'nowhere' }), 'not_found');
    expectError(await put({ path: 'src', expires_at: 'tomorrow' }), 'validation_error');
  });

  it('is audited, before and after', async () => {
    const put = (await auditOf(server)).filter(({ operation }) => operation === 'setAllowlist');
    expect(put.slice(0, 2).map(({ outcome }) => outcome)).toEqual(['intent', 'done']);
  });

  it('is not asked with ORCH_ALLOWLIST_REQUIRE=false, and what is denied stays so', async () => {
    const other = await startServer({ env: { ORCH_ALLOWLIST_REQUIRE: 'false' } });
    await writeFiles(other.root, { 'a.txt': 'needle', '.env': 'needle' });
    expect((await ask(other, '/tree')).body).toEqual({ files: ['a.txt'], truncated: false });
    expect(Object((await ask(other, '/search', { q: 'needle' })).body).results).toHaveLength(1);
    expectError(await ask(other, '/file', { path: '.env' }), 'path_refused');
  });
});
