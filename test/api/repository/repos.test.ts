import { lstat, mkdir, readdir, readFile, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from '../wire/support.ts';
import { allow, ask, writeFiles } from './support.ts';

let server: TestServer;
let bound: string;

/** A server beside a folder of repositories. */
async function withRepos(more: StartOptions['env'] = {}): Promise<void> {
  const first = await startServer();
  bound = join(await realpath(first.dir), 'repos');
  await writeFiles(bound, {
    'alpha/a.txt': 'MARKED-ALPHA\n',
    'alpha/.env': 'MARKED-DENIED\n',
    'beta/deep/b.txt': 'b\n',
    'file.txt': 'f',
    '.hidden/x': 'x',
    'node_modules/x': 'x',
  });
  await writeFiles(first.dir, { 'outside/o.txt': 'MARKED-OUTSIDE\n' });
  await symlink(join(first.dir, 'outside'), join(bound, 'link'));
  server = await first.restart({ env: { ORCH_REPO_ROOT: bound, ...more } });
}
beforeEach(() => withRepos());

const post = (what: string, path: string) =>
  server.request('POST', `/ui/repos/${what}?path=${encodeURIComponent(path)}`, { role: 'admin' });
const list = async () =>
  Object((await server.request('GET', '/ui/repos', { role: 'operator' })).body);

describe('the list of repositories', () => {
  it('holds the workspace and the folders under ORCH_REPO_ROOT', async () => {
    const { root, active_repo, repos } = await list();
    const work = await realpath(server.root);
    expect([root, active_repo]).toEqual([bound, work]);
    expect(repos).toEqual([
      { name: 'work', path: work },
      { name: 'alpha', path: join(bound, 'alpha') },
      { name: 'beta', path: join(bound, 'beta') },
    ]);
    const active = await server.request('GET', '/ui/repos/active', { role: 'operator' });
    expect(active.body).toEqual({ active_repo: work });
  });

  it('is the workspace alone without ORCH_REPO_ROOT', async () => {
    const other = await startServer();
    const { body } = await other.request('GET', '/ui/repos', { role: 'operator' });
    expect(Object(body).repos).toHaveLength(1);
    const path = encodeURIComponent(other.dir);
    const reply = await other.request('POST', `/ui/repos/select?path=${path}`, { role: 'admin' });
    expect(reply.status).toBe(400);
  });

  it('is the folders of the window in an editor', async () => {
    const folders = () => [join(bound, 'alpha'), join(bound, 'gone')];
    const other = await startServer({ hostedBy: 'editor', folders });
    const { body } = await other.request('GET', '/ui/repos', { role: 'operator' });
    expect(Object(body).repos.map(({ name }: { name: string }) => name)).toEqual([
      ...['work', 'alpha', 'gone'],
    ]);
    const select = (name: string) =>
      other.request('POST', '/ui/repos/select', {
        role: 'admin',
        body: { path: join(bound, name) },
      });
    expect((await select('alpha')).status).toBe(200);
    expectError(await select('gone'), 'not_found');
    expect((await select('beta')).status).toBe(400);
  });

  it('refuses a start with a folder of repositories that is not there', async () => {
    await expect(startServer({ env: { ORCH_REPO_ROOT: '/nowhere/at/all' } })).rejects.toMatchObject(
      {
        code: 'validation_error',
      },
    );
  });
});

describe('open and select', () => {
  it.each(['open', 'select', 'vitaminize'])('%s: outside 400, missing 404', async (what) => {
    const outside = [
      ...['/etc', '..', '../outside', bound, join(bound, 'link'), join(bound, '..', 'outside')],
      ...['node_modules', join(bound, 'alpha/.git'), '/nowhere', 'file.txt'],
    ];
    for (const path of outside) {
      const reply = await post(what, path);
      expect([path, reply.status]).toEqual([path, 400]);
      expect(typeof Object(reply.body).detail).toBe('string');
    }
    expectError(await post(what, join(bound, 'nothing')), 'not_found');
    expectError(await post(what, ''), 'validation_error');
  });

  it('open answers success and moves nothing', async () => {
    const { active_repo } = await list();
    expect((await post('open', join(bound, 'alpha'))).body).toMatchObject({ status: 'success' });
    expect((await list()).active_repo).toBe(active_repo);
  });

  it('select moves what tree, file and search look at', async () => {
    await withRepos({ ORCH_ALLOWLIST_REQUIRE: 'false' });
    const reply = await post('select', 'alpha');
    expect(reply.body).toEqual({ status: 'success', active_repo: join(bound, 'alpha') });
    expect((await ask(server, '/file', { path: 'a.txt' })).text).toBe('MARKED-ALPHA\n');
    expect(Object((await ask(server, '/tree')).body).files).toEqual(['a.txt']);
    expect(Object((await ask(server, '/search', { q: 'marked' })).body).results).toHaveLength(1);
    expectError(await ask(server, '/file', { path: '.env' }), 'path_refused');
    expect((await post('select', server.root)).status).toBe(200);
    expectError(await ask(server, '/file', { path: 'a.txt' }), 'not_found');
  });

  it('a selected repository is covered by the allowlist that was accepted there, and no other', async () => {
    await allow(server, '.');
    await post('select', 'alpha');
    expectError(await ask(server, '/file', { path: 'a.txt' }), 'path_refused');
    const env = { GIMO_CONFIG_HOME: server.configHome, GIMO_FIRST_PROVIDER: 'offline' };
    const there = await startServer({ root: join(bound, 'alpha'), env });
    await allow(there, 'a.txt');
    await there.host.stop();
    expect((await ask(server, '/file', { path: 'a.txt' })).text).toBe('MARKED-ALPHA\n');
  });

  it('is audited with the repository, and only for an admin', async () => {
    await post('select', 'alpha');
    const [entry] = (await auditOf(server)).filter(({ operation }) => operation === 'selectRepo');
    expect(entry).toMatchObject({ target: join(bound, 'alpha'), outcome: 'intent' });
    const operator = await server.request('POST', '/ui/repos/select?path=alpha', {
      role: 'operator',
    });
    expectError(operator, 'role_required');
  });
});

describe('vitaminize', () => {
  it('makes the data directory with its .gitignore and a sample that allows nothing', async () => {
    const reply = await post('vitaminize', 'alpha');
    expect(reply.body).toEqual({
      status: 'success',
      created_files: ['.orch_data/.gitignore', '.orch_data/ops/allowlist.json'],
      active_repo: await realpath(server.root),
    });
    const data = join(bound, 'alpha/.orch_data');
    expect(await readFile(join(data, '.gitignore'), 'utf8')).toBe('*\n');
    const [entry] = JSON.parse(await readFile(join(data, 'ops/allowlist.json'), 'utf8')).paths;
    expect(Date.parse(entry.expires_at)).toBeLessThan(Date.now());
  });

  it('never overwrites', async () => {
    await writeFiles(bound, { 'alpha/.orch_data/ops/allowlist.json': 'mine' });
    expect(Object((await post('vitaminize', 'alpha')).body).created_files).toEqual([
      '.orch_data/.gitignore',
    ]);
    expect(Object((await post('vitaminize', 'alpha')).body).created_files).toEqual([]);
    expect(await readFile(join(bound, 'alpha/.orch_data/ops/allowlist.json'), 'utf8')).toBe('mine');
  });

  it('makes nothing through a link', async () => {
    await symlink(join(server.dir, 'outside'), join(bound, 'alpha/.orch_data'));
    expect((await post('vitaminize', 'alpha')).status).toBe(400);
    expect(await readdir(join(server.dir, 'outside'))).toEqual(['o.txt']);
    await mkdir(join(bound, 'beta/.orch_data'));
    await symlink(join(server.dir, 'outside'), join(bound, 'beta/.orch_data/ops'));
    expect((await post('vitaminize', 'beta')).status).toBe(400);
    expect(await readdir(join(server.dir, 'outside'))).toEqual(['o.txt']);
  });
});

describe('defects of the Python service', () => {
  it('15: preparing a repository copies no secret into it', async () => {
    await post('vitaminize', 'alpha');
    const found = await readdir(join(bound, 'alpha'), { recursive: true });
    const secrets = (['admin', 'operator', 'actions', 'agent'] as const).map(server.host.token);
    for (const name of found) {
      const path = join(bound, 'alpha', name);
      if (!(await lstat(path)).isFile()) continue;
      const text = await readFile(path, 'utf8');
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });

  it('31: the data directory does not move with the repositories', async () => {
    const dataDir = async () =>
      Object((await server.request('GET', '/status', { role: 'actions' })).body).data_dir;
    const before = await dataDir();
    await list();
    await post('select', 'alpha');
    await list();
    expect(await dataDir()).toBe(before);
    const made = await server.request('POST', '/ops/drafts', {
      role: 'admin',
      body: { prompt: 'x' },
    });
    const { id } = Object(made.body);
    expect(await readdir(join(server.root, '.orch_data/ops/drafts'))).toContain(`${id}.json`);
    await expect(lstat(join(bound, 'alpha/.orch_data'))).rejects.toThrow();
  });
});
