import { chmod, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { expectError } from '../wire/support.ts';
import { allow, ask, commit, git, writeFiles } from './support.ts';

const key = 'a-provider-key-that-no-pattern-knows';
const pem = [
  '-----BEGIN PRIVATE KEY-----',
  'TUlJbWFya2Vk',
  'PEMBODYPEMBODY',
  '-----END PRIVATE KEY-----',
];

/** Sets a provider that needs a key, and keeps the key. */
async function setKey(server: TestServer): Promise<void> {
  const entry = { type: 'openai_compat', base_url: 'http://127.0.0.1:9/v1', model: 'm' };
  const body = { active: 'mine', providers: { mine: { ...entry, api_key: key } } };
  const put = await server.request('PUT', '/ops/provider', { role: 'admin', body });
  expect(put.status, put.text).toBe(200);
}

describe('secrets in files that may be read', () => {
  it('are replaced in file, search and diff, and every line keeps its number', async () => {
    const server = await startServer();
    const { root } = server;
    await setKey(server);
    await git(root, 'init', '--quiet', '--initial-branch', 'main');
    await writeFiles(root, { 'a.txt': 'begin\n' });
    await commit(root, 'first');
    await git(root, 'checkout', '--quiet', '-b', 'work');
    const token = server.host.token('admin');
    const text = ['find me', `key ${key} here`, ...pem, `token ${token}`, 'find me too', ''];
    await writeFiles(root, { 'a.txt': text.join('\n'), [`${key}.txt`]: 'find me' });
    await commit(root, 'second');
    await allow(server, '.');

    const file = await ask(server, '/file', { path: 'a.txt' });
    expect(file.text.split('\n').at(7)).toBe('find me too');
    // Only lines from the middle of a key: what they are shows in the lines around them.
    const middle = await ask(server, '/file', { path: 'a.txt', start_line: 4, end_line: 5 });
    const found = await ask(server, '/search', { q: 'find me' });
    expect(Object(found.body).results).toContainEqual({
      ...{ file: 'a.txt', line: 8, content: 'find me too' },
    });
    const replies = [
      ...[file, middle, found],
      ...[await ask(server, '/tree'), await ask(server, '/search', { q: 'key' })],
      ...[await ask(server, '/diff'), await ask(server, '/diff', { stat: true })],
    ];
    for (const { status, text: shown } of replies) {
      expect(status).toBe(200);
      for (const secret of [key, token, 'PEMBODY']) expect(shown).not.toContain(secret);
    }
    const snapshots = join(server.host.dataDir, 'snapshots');
    for (const name of await readdir(snapshots))
      expect(await readFile(join(snapshots, name), 'utf8')).not.toContain(key);
  });

  it('cannot be guessed piece by piece with a search', async () => {
    const server = await startServer();
    await setKey(server);
    await writeFiles(server.root, { 'a.txt': `key=${key}\n${pem.join('\n')}\n` });
    await allow(server, '.');
    for (const q of [key.slice(0, 10), key.slice(-6), 'PEMBODY'])
      expect(Object((await ask(server, '/search', { q })).body).results).toEqual([]);
  });

  it('that are new are replaced in what was read before', async () => {
    const server = await startServer();
    await writeFiles(server.root, { 'a.txt': `plain ${key}\n` });
    await allow(server, '.');
    expect((await ask(server, '/file', { path: 'a.txt' })).text).toContain(key);
    await setKey(server);
    expect((await ask(server, '/file', { path: 'a.txt' })).text).not.toContain(key);
  });
});

describe('defects of the Python service', () => {
  it('11: the provider key lies in no file of the workspace, nor readable for others, and GET then PUT keeps it', async () => {
    const server = await startServer();
    await setKey(server);
    const shown = await server.request('GET', '/ops/provider', { role: 'admin' });
    const again = await server.request('PUT', '/ops/provider', { role: 'admin', body: shown.body });
    expect(again.status).toBe(200);
    let kept = 0;
    for (const dir of [server.root, server.configHome])
      for (const name of await readdir(dir, { recursive: true })) {
        const path = join(dir, name);
        if (!(await stat(path)).isFile() || !(await readFile(path, 'utf8')).includes(key)) continue;
        expect(path.startsWith(server.configHome)).toBe(true);
        expect((await stat(path)).mode & 0o077).toBe(0);
        kept += 1;
      }
    expect(kept).toBe(1);
    for (const reply of [shown, again]) expect(reply.text).not.toContain(key);
  });

  it('12: the weakest token reads no configuration, environment, version control or token file', async () => {
    const server = await startServer({ env: { ORCH_ALLOWLIST_REQUIRE: 'false' } });
    await git(server.root, 'init', '--quiet');
    await writeFiles(server.root, { '.env': 'A=1', '.orch_token': 'x', '.npmrc': 'x' });
    const paths = [
      ...['.orch_data/ops/provider.json', '.env', '.git/config', '.git/HEAD', '.npmrc'],
      ...['.orch_data/owner.json', '.orch_data/ops/config.json', '../config/ledger.json'],
    ];
    for (const path of paths) expectError(await ask(server, '/file', { path }), 'path_refused');
  });

  it('28: a diff is not empty when something has changed', async () => {
    const server = await startServer();
    await git(server.root, 'init', '--quiet', '--initial-branch', 'main');
    await writeFiles(server.root, { 'a.txt': 'a\n' });
    await commit(server.root, 'first');
    await writeFiles(server.root, { 'a.txt': 'b\n' });
    await commit(server.root, 'second');
    await allow(server, 'a.txt');
    expect((await ask(server, '/diff', { base: 'HEAD~1' })).text).toContain('+b\n');
  });

  it('32: a token too short to log in with, and equal tokens, are refused at start with a word', async () => {
    const refused = (env: Record<string, string>) =>
      expect(startServer({ env })).rejects.toMatchObject({ code: 'validation_error' });
    await refused({ ORCH_ACTIONS_TOKEN: 'short' });
    const same = 'the-same-token-twice-over';
    await refused({ ORCH_TOKEN: same, ORCH_ACTIONS_TOKEN: same });
  });
});

describe('hostile paths', () => {
  it('never get a byte from outside or of what is denied, and never a 5xx', async () => {
    const server = await startServer({ env: { ORCH_ALLOWLIST_REQUIRE: 'false' } });
    const mark = 'MARKED-SECRET';
    await writeFiles(server.dir, { 'outside/o.txt': mark, 'o.txt': mark });
    const denied = [
      ...['.env', '.env.local', 'src/.env', '.git/config', 'src/.git/x', 'node_modules/m/i.js'],
      ...['id_rsa', 'src/server.pem', 'tls.key', '.npmrc', '.netrc', 'store.jks', 'c.p12', '.ENV'],
      ...['.orch_data/ops/mine.txt', 'id_rsa.d/x.txt'],
    ];
    const files = Object.fromEntries(denied.map((name) => [name, mark]));
    await writeFiles(server.root, { ...files, 'src/a.txt': 'fine', 'b.txt': 'fine' });
    await symlink(join(server.dir, 'outside'), join(server.root, 'src/out'));
    await symlink('../.env', join(server.root, 'src/env.txt'));
    await symlink(join(server.dir, 'o.txt'), join(server.root, 'o.txt'));
    await symlink('..', join(server.root, 'up'));
    await chmod(join(server.root, 'src/.env'), 0o644);

    const part = fc.constantFrom(
      ...['..', '.', '', 'src', 'out', 'up', 'o.txt', 'a.txt', 'env.txt', 'outside', 'work'],
      ...['.env', '.git', 'config', 'node_modules', 'm', '.orch_data', 'ops', 'id_rsa', '.ENV'],
      ...['%2e%2e', '%2f', '..%2f', '\\', '..\\', '.env ', '.env.', '.env::$DATA', 'GIT~1', '...'],
      ...[
        '\u{200d}',
        '.\u{200d}env',
        '．．',
        'etc',
        'proc',
        'self',
        'root',
        '~',
        'file:',
        '\0',
        '\n',
      ],
    );
    const anything = fc.oneof(
      { weight: 6, arbitrary: fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/')) },
      { weight: 2, arbitrary: fc.constantFrom(...denied).chain((path) => disguised(path)) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
      { weight: 1, arbitrary: fc.nat(5000).map((n) => '../'.repeat(n)) },
    );
    const way = fc.constantFrom('/file', '/tree', '/search', '/diff');
    const fields = { '/file': 'path', '/tree': 'path', '/search': 'q', '/diff': 'base' } as const;
    await fc.assert(
      fc.asyncProperty(way, anything, fc.boolean(), async (path, text, raw) => {
        const name = fields[path as keyof typeof fields];
        const value = raw
          ? text.replace(/[^!-~]|[#&+]/gu, '')
          : encodeURIComponent(text.toWellFormed());
        const reply = await server.request('GET', `${path}?${name}=${value}`, { role: 'actions' });
        expect(reply.status).toBeLessThan(500);
        expect(reply.text).not.toContain(mark);
      }),
      { numRuns: 500 },
    );
    for (const q of ['MARKED', 'marked-secret'])
      expect(Object((await ask(server, '/search', { q })).body).results).toEqual([]);
    expect(Object((await ask(server, '/tree', { max_depth: 6 })).body).files).toEqual([
      ...['b.txt', 'src/a.txt'],
    ]);
  });
});

/** A denied path, written in one of the ways that might get around a check. */
function disguised(path: string): fc.Arbitrary<string> {
  const ways: ((path: string) => string)[] = [
    (one) => one,
    (one) => one.toUpperCase(),
    (one) => `./${one}`,
    (one) => `src/../${one}`,
    (one) => `up/work/${one}`,
    (one) => `${one}/`,
    (one) => `${one}/.`,
    (one) => `${one} `,
    (one) => `${one}\0`,
    (one) => one.replaceAll('/', '\\'),
    (one) => one.replaceAll('/', '//'),
    (one) => encodeURIComponent(one).replaceAll('.', '%2e'),
    (one) => one.replaceAll('.', '\u{2024}'),
    (one) => `${one}\u{200b}`,
  ];
  return fc.constantFrom(...ways).map((way) => way(path));
}
