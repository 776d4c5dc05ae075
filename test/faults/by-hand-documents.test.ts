import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFile,
  mkdir,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../api/harness.ts';
import { expectError, newDraft } from '../api/wire/support.ts';
import { deep, hugeFile } from './spoilt.ts';

/*
 * The documents and the files of the ledger, put, changed or taken away by hand: what is in force stays, and nothing is
 * taken for allowed that was not. What happens to records so is in by-hand.test.ts.
 */

describe('the documents', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ keep: true });
    return () => server.dispose();
  });
  const get = (path: string) => server.request('GET', path, { role: 'admin' });
  const post = (path: string, body: unknown = {}) =>
    server.request('POST', path, { role: 'admin', body });
  const at = (file: string) => join(server.host.dataDir, 'ops', file);

  const documents: [string, string][] = [
    ['plan.json', '/ops/plan'],
    ['config.json', '/ops/config'],
    ['provider.json', '/ops/provider'],
    ['allowlist.json', '/ui/allowlist'],
  ];
  const spoilt: [string, (path: string) => unknown][] = [
    ['torn', (path) => writeFile(path, '{"a":')],
    ['empty', (path) => writeFile(path, '')],
    ['a list', (path) => writeFile(path, '[]')],
    ['null', (path) => writeFile(path, 'null')],
    ['very deep', (path) => writeFile(path, deep)],
    ['UTF-16', (path) => writeFile(path, Buffer.from('{}', 'utf16le'))],
    ['of 65 MiB', (path) => hugeFile(path, '{}')],
    ['a folder', (path) => mkdir(path)],
    ['a link', (path) => symlink('/etc/passwd', path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
    [
      'with fields of the wrong type',
      (path) =>
        writeFile(path, '{"tasks":5,"max_concurrent_runs":"many","providers":[],"paths":{}}'),
    ],
    ['from a newer version', (path) => writeFile(path, '{"version":9,"autonomy":"full"}')],
  ];
  const cases = documents
    .flatMap(([file, path]) => spoilt.map(([what, put]) => [file, what, path, put] as const))
    // Nothing was accepted of it, and that is what it says.
    .filter(([file, what]) => file !== 'allowlist.json' || what !== 'null');
  it.each(cases)(
    '%s that is %s changes nothing that is in force, and is told',
    async (file, _what, path, put) => {
      const before = await get(path);
      await rm(at(file), { recursive: true, force: true });
      await put(at(file));
      const now = await get(path);
      // A plan lies in the workspace alone: what cannot be read of it is none.
      if (file === 'plan.json') expect([404, 503], now.text).toContain(now.status);
      else expect(now.body).toEqual(before.body);
      for (const other of ['/status', '/ops/drafts', '/ops/runs', '/ops/changes'])
        expect((await get(other)).status, other).toBe(200);
      if (file !== 'plan.json') {
        const what = file.slice(0, -'.json'.length);
        const told = (await get('/ops/changes')).body;
        const known = Array.isArray(told) ? told.map((one) => Object(one).what) : [];
        expect(known).toContain(what);
        const restored = await post(`/ops/changes/${what}/restore`);
        if (restored.status !== 200) expectError(restored, 'storage_error');
      }
      await rm(at(file), { recursive: true, force: true });
      expect((await post('/ops/drafts', { prompt: 'p' })).status).toBe(201);
      expect((await get('/status')).body).toMatchObject({ panic_mode: false });
    },
  );
});

describe('files of the ledger', () => {
  const spoil: [string, (path: string) => unknown][] = [
    ['torn', async (path) => truncate(path, Math.max(1, (await stat(path)).size - 5))],
    ['of another kind', (path) => writeFile(path, '[1,2]\n[3]\n')],
    ['not text', (path) => writeFile(path, Buffer.from([0xff, 0xfe, 0x00, 0x0a]))],
    [
      'a folder',
      async (path) => {
        await rm(path);
        await mkdir(path);
      },
    ],
    [
      'a link',
      async (path) => {
        await rm(path);
        await symlink('/etc/passwd', path);
      },
    ],
  ];
  const files = [
    ...[
      'key.json',
      'security.json',
      'tokens.json',
      'audit-head',
      'decided.jsonl',
      'consumed.jsonl',
    ],
    ...[
      'idempotency.jsonl',
      'accepted/config.json',
      'accepted/provider.json',
      'server.json',
      'runs/',
    ],
  ];
  it.each(files.flatMap((file) => spoil.map(([what, put]) => [file, what, put] as const)))(
    '%s that is %s: safe, in words, and nothing is taken for allowed that was not',
    async (file, _what, put) => {
      const own = await startServer();
      const ask = (method: string, path: string, body?: unknown) =>
        own.request(method, path, { role: 'admin', ...(body === undefined ? {} : { body }) });
      const steps = [
        { id: 'e', kind: 'edit', changes: [{ path: `${randomUUID()}.txt`, text: 'x' }] },
      ];
      const spent = await newDraft(own, { steps });
      const ended = Promise.withResolvers<void>();
      own.host.onChange(async ({ type, id }) => {
        if (type !== 'run' || id === null) return;
        if (Object((await ask('GET', `/ops/runs/${id}`)).body).status === 'done') ended.resolve();
      });
      const done = await ask(
        'POST',
        `/ops/drafts/${spent.id}/approve?auto_run=true&digest=${spent.digest}`,
      );
      await ended.promise;
      const rejected = await newDraft(own);
      await ask('POST', `/ops/drafts/${rejected.id}/reject`, {});
      await own.request('POST', '/ops/drafts', {
        role: 'admin',
        body: { prompt: 'p' },
        headers: { 'idempotency-key': 'k' },
      });
      await ask('PUT', '/ops/config', { max_concurrent_runs: 2, require_reason_on_reject: true });
      await ask('PUT', '/ops/provider', {
        active: 'o',
        providers: { o: { type: 'offline', model: 'm' } },
      });
      const { ledgerDir, dataDir } = own.host;
      const approvedId = Object(Object(done.body).approved).id;
      await own.host.stop();
      const path =
        file === 'runs/'
          ? join(ledgerDir, 'runs', (await readdir(join(ledgerDir, 'runs')))[0] ?? '')
          : join(ledgerDir, file);
      await put(path);
      await appendFile(join(dataDir, 'ops', 'none'), '');
      let again: TestServer;
      try {
        again = await startServer({ dir: own.dir });
      } catch (error) {
        expect(error).toMatchObject({ code: 'storage_error' });
        expect(String(error)).toMatch(/cannot be read|refused/);
        return;
      }
      const asked = (method: string, at: string, body?: unknown) =>
        again.request(method, at, { role: 'admin', ...(body === undefined ? {} : { body }) });
      expect((await asked('GET', '/status')).status).toBe(200);
      // What was spent is not run again, what was rejected is not approved.
      const run = await asked('POST', '/ops/runs', { approved_id: approvedId });
      expect(run.status, run.text).toBeGreaterThanOrEqual(400);
      const yes = await asked('POST', `/ops/drafts/${rejected.id}/approve`);
      expect(yes.status, yes.text).toBeGreaterThanOrEqual(400);
      const config = await asked('GET', '/ops/config');
      expect(config.body).toMatchObject({ max_concurrent_runs: 2, require_reason_on_reject: true });
      await again.host.stop();
    },
  );
});
