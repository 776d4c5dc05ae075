import { mkdir, readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { httpTransport } from '../../../src/client/http.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from '../wire/support.ts';
import { allow, ask, writeFiles } from './support.ts';

const lines = (count: number, from = 1) =>
  Array.from({ length: count }, (_, n) => `line ${from + n}\n`).join('');

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  await writeFiles(server.root, {
    'README.md': '# Read me\n',
    'src/main.ts': 'export const answer = 42;\n',
    'src/deep/er/still/down.ts': 'export const Deep = "Needle in here";\n',
    'src/long.txt': lines(1200),
    'src/picture.png': new Uint8Array([137, 80, 78, 71, 0, 1, 2]),
    'src/latin.txt': new Uint8Array([0x63, 0x61, 0x66, 0xe9]),
    'src/big.txt': 'x'.repeat(5 * 1_048_576 + 1),
    'src/wide.txt': `${'ä'.repeat(200_000)}\nnext\n`,
    'src/.env': 'A=1',
    'src/deploy.key': 'key',
    'notes/private.md': 'needle\n',
    'node_modules/x/index.js': 'needle',
  });
  await allow(server, 'README.md', 'src');
  return server.dispose;
});

describe('GET /tree', () => {
  it('lists the text files that an entry covers, and nothing that is denied', async () => {
    const reply = await ask(server, '/tree');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      files: ['README.md', 'src/big.txt', 'src/long.txt', 'src/main.ts', 'src/wide.txt'],
      truncated: false,
    });
  });

  it.each([
    [0, ['README.md']],
    [4, ['README.md', 'src/deep/er/still/down.ts']],
  ])('goes %i levels down', async (max_depth, expected) => {
    const { files } = Object((await ask(server, '/tree', { max_depth })).body);
    expect(files).toEqual(expect.arrayContaining(expected));
    expect(files.includes('src/main.ts')).toBe(max_depth > 0);
  });

  it('starts at a folder, however its path is written', async () => {
    for (const path of ['src/deep', './src/deep/', 'src//deep/.'])
      expect((await ask(server, '/tree', { path })).body).toEqual({
        files: ['src/deep/er/still/down.ts'],
        truncated: false,
      });
  });

  it('answers 400 for a file, 404 for nothing, 403 for what is not covered or denied', async () => {
    const file = await ask(server, '/tree', { path: 'README.md' });
    expect([file.status, Object(file.body).code]).toEqual([400, 'validation_error']);
    expect(typeof Object(file.body).detail).toBe('string');
    expectError(await ask(server, '/tree', { path: 'src/nowhere' }), 'not_found');
    for (const path of ['notes', 'nowhere', '.git', '.orch_data', 'node_modules', '..', '/'])
      expectError(await ask(server, '/tree', { path }), 'path_refused');
  });

  it.each([{ max_depth: 7 }, { max_depth: -1 }, { path: 'a'.repeat(4097) }])(
    'refuses %j with 422',
    async (query: Record<string, string | number>) =>
      void expectError(await ask(server, '/tree', query), 'validation_error'),
  );

  it('cuts at 2,000 files and says so', async () => {
    const other = await startServer();
    await mkdir(join(other.root, 'many'));
    for (let n = 0; n < 2001; n += 1) await writeFile(join(other.root, 'many', `${n}.txt`), 'x');
    await allow(other, 'many');
    const { files, truncated } = Object((await ask(other, '/tree')).body);
    expect([files.length, truncated]).toEqual([2000, true]);
  });
});

describe('GET /file', () => {
  it('serves text as it is', async () => {
    const reply = await ask(server, '/file', { path: 'src/main.ts' });
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.text).toBe('export const answer = 42;\n');
  });

  it('reaches the typed client as text, over both transports, and its errors with their status', async () => {
    const { host } = server;
    const overHttp = createClient(httpTransport(host.url, host.token('actions')));
    for (const client of [host.client, overHttp]) {
      const read = (path: string) => client.call('readFile', { path });
      expect(await read('src/main.ts')).toBe('export const answer = 42;\n');
      await expect(read('src')).rejects.toMatchObject({ code: 'validation_error', status: 400 });
    }
  });

  it('serves the lines that were asked for', async () => {
    const part = { path: 'src/long.txt', start_line: 10, end_line: 12 };
    expect((await ask(server, '/file', part)).text).toBe(lines(3, 10));
    const behind = { path: 'src/long.txt', start_line: 5000, end_line: 5001 };
    expect((await ask(server, '/file', behind)).text).toBe('');
    const backwards = { path: 'src/long.txt', start_line: 3, end_line: 2 };
    expectError(await ask(server, '/file', backwards), 'validation_error');
  });

  it('serves 500 lines at most, then says where the file goes on', async () => {
    const path = 'src/long.txt';
    const marker = (line: number) => `[truncated: the file goes on at line ${line}]\n`;
    expect((await ask(server, '/file', { path })).text).toBe(lines(500) + marker(501));
    const next = await ask(server, '/file', { path, start_line: 501, end_line: 9999 });
    expect(next.text).toBe(lines(500, 501) + marker(1001));
    const last = await ask(server, '/file', { path, start_line: 1001, end_line: 1500 });
    expect(last.text).toBe(lines(200, 1001));
  });

  it('serves 250,000 bytes at most, and no half of a character', async () => {
    const { text } = await ask(server, '/file', { path: 'src/wide.txt' });
    expect(text).toBe(`${'ä'.repeat(125_000)}\n[truncated: the file goes on at line 2]\n`);
    const second = { path: 'src/wide.txt', start_line: 2, end_line: 2 };
    expect((await ask(server, '/file', second)).text).toBe('next\n');
  });

  it('answers 413 above 5 MiB, 400 for a folder, 404 for nothing', async () => {
    expectError(await ask(server, '/file', { path: 'src/big.txt' }), 'payload_too_large');
    const folder = await ask(server, '/file', { path: 'src/deep' });
    expect([folder.status, Object(folder.body).code]).toEqual([400, 'validation_error']);
    expectError(await ask(server, '/file', { path: 'src/nothing.ts' }), 'not_found');
    expectError(await ask(server, '/file', { path: 'src/main.ts/x' }), 'not_found');
    expectError(await ask(server, '/file', { path: `src/${'n'.repeat(300)}` }), 'not_found');
  });

  it.each([
    'notes/private.md',
    'notes/nothing.md',
    'src/.env',
    'src/.ENV.local',
    'src/deploy.key',
    'src/picture.png',
    'src/latin.txt',
    '.git/config',
    '.orch_data/ops/config.json',
    'node_modules/x/index.js',
    '../config',
    'src/../notes/private.md',
    'src\\main.ts',
    '/etc/hostname',
    'C:/x',
  ])('refuses %s with 403', async (path) => {
    expectError(await ask(server, '/file', { path }), 'path_refused');
  });

  it('answers 422 for a null character and for a path without end', async () => {
    for (const path of ['src/\0', '', 'a/'.repeat(2049)])
      expectError(await ask(server, '/file', { path }), 'validation_error');
  });

  it('serves one version of a file from its snapshot, and a new one when it has changed', async () => {
    const other = await startServer();
    await writeFiles(other.root, { 'a.txt': 'first\n' });
    await allow(other, 'a.txt');
    const read = async () => (await ask(other, '/file', { path: 'a.txt' })).text;
    const snapshots = () => readdir(join(other.host.dataDir, 'snapshots'));
    expect(await read()).toBe('first\n');
    const [name = ''] = await snapshots();
    expect(await read()).toBe('first\n');
    expect(await snapshots()).toEqual([name]);
    expect(await readFile(join(other.host.dataDir, 'snapshots', name), 'utf8')).toBe('first\n');
    await writeFiles(other.root, { 'a.txt': 'second\n' });
    expect(await read()).toBe('second\n');
    expect(await snapshots()).toHaveLength(1);
    expect(await snapshots()).not.toContain(name);
  });

  it('serves no snapshot that somebody has changed or replaced by a link', async () => {
    const other = await startServer();
    await writeFiles(other.root, { 'a.txt': 'mine\n', '.env': 'theirs\n' });
    await allow(other, 'a.txt');
    const read = async () => (await ask(other, '/file', { path: 'a.txt' })).text;
    await read();
    const folder = join(other.host.dataDir, 'snapshots');
    const only = async () => join(folder, (await readdir(folder))[0] ?? '');
    await writeFile(await only(), 'yours');
    expect(await read()).toBe('mine\n');
    const path = await only();
    await unlink(path);
    await symlink(join(other.root, '.env'), path);
    expect(await read()).toBe('mine\n');
    expect(await readFile(join(other.root, '.env'), 'utf8')).toBe('theirs\n');
  });
});

describe('GET /search', () => {
  it('finds lines in any case, with file and line, where clients may read', async () => {
    const reply = await ask(server, '/search', { q: 'NEEDLE' });
    expect(reply.body).toEqual({
      results: [
        {
          file: 'src/deep/er/still/down.ts',
          line: 1,
          content: 'export const Deep = "Needle in here";',
        },
      ],
      truncated: false,
    });
  });

  it('can be narrowed to a file type', async () => {
    const found = async (ext: string) =>
      Object((await ask(server, '/search', { q: 'needle', ext })).body).results.length;
    expect([await found('ts'), await found('.TS'), await found('md')]).toEqual([1, 1, 0]);
  });

  it('answers at most 50 lines, and says that there are more', async () => {
    const { results, truncated } = Object((await ask(server, '/search', { q: 'line 1' })).body);
    expect([results.length, truncated]).toEqual([50, true]);
  });

  it.each(['', 'ab', 'x'.repeat(129)])('refuses "%s" with 422', async (q) => {
    expectError(await ask(server, '/search', { q }), 'validation_error');
  });
});

describe('every read is audited', () => {
  it('with what was read, by whom, and how it ended', async () => {
    const other = await startServer();
    await writeFiles(other.root, { 'a.txt': 'a' });
    await allow(other, 'a.txt');
    await ask(other, '/file', { path: 'a.txt' });
    await ask(other, '/file', { path: '.env' }, 'agent');
    await ask(other, '/tree');
    await ask(other, '/search', { q: 'my-own-password' });
    await ask(other, '/diff', { base: 'a', head: 'b' });
    const entries = (await auditOf(other)).filter(({ operation }) =>
      ['readTree', 'readFile', 'search', 'readDiff'].includes(operation),
    );
    expect(
      entries.map(({ operation, target, outcome, actor }) => [
        ...[operation, target, outcome, actor.split(':')[0]],
      ]),
    ).toEqual([
      ['readFile', 'a.txt', 'served', 'actions'],
      ['readFile', '.env', 'path_refused', 'agent'],
      ['readTree', '.', 'served', 'actions'],
      ['search', null, 'served', 'actions'],
      ['readDiff', 'a..b', 'validation_error', 'actions'],
    ]);
    expect(JSON.stringify(await auditOf(other))).not.toContain('my-own-password');
  });
});
