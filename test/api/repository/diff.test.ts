import { execFileSync } from 'node:child_process';
import { chmod, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { allow, ask, commit, git, writeFiles } from './support.ts';

let server: TestServer;
const lines = (count: number, word: string) =>
  Array.from({ length: count }, (_, n) => `${word} ${n}\n`).join('');

beforeAll(async () => {
  server = await startServer({ keep: true });
  const { root } = server;
  await git(root, 'init', '--quiet', '--initial-branch', 'main');
  await writeFiles(root, { 'src/a.ts': 'one\n', 'notes/n.md': 'n\n', '.env': 'OLD=1\n' });
  await commit(root, 'first');
  await git(root, 'checkout', '--quiet', '-b', 'work');
  await writeFiles(root, {
    'src/a.ts': 'two\n',
    'src/b.ts': 'new\n',
    'src/pixel.bin': new Uint8Array([0, 1, 2, 3]),
    'src/.env': 'MARKED-DENIED\n',
    'notes/n.md': 'MARKED-UNCOVERED\n',
    '.env': 'MARKED-DENIED\n',
  });
  await commit(root, 'second');
  await allow(server, 'src');
  return server.dispose;
});

describe('GET /diff', () => {
  it('shows what really changed, where clients may read', async () => {
    const reply = await ask(server, '/diff');
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(reply.text).toContain('--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1 +1 @@\n-one\n+two\n');
    expect(reply.text).toContain('+++ b/src/b.ts\n');
    for (const hidden of ['MARKED', '.env', 'notes', 'pixel'])
      expect(reply.text).not.toContain(hidden);
  });

  it('sums it up with stat=true', async () => {
    const { text } = await ask(server, '/diff', { stat: true });
    expect(text).toBe(
      ' src/a.ts | +1 -1\n src/b.ts | +1 -0\n 2 files changed, 2 insertions(+), 1 deletion(-)\n',
    );
  });

  it('takes branches, tags, ids and ancestors', async () => {
    const id = await git(server.root, 'rev-parse', 'HEAD');
    for (const head of ['work', id, id.slice(0, 10), 'refs/heads/work'])
      expect((await ask(server, '/diff', { head })).text).toContain('+two');
    expect((await ask(server, '/diff', { base: 'HEAD~1', head: '@' })).text).toContain('+two');
    expect((await ask(server, '/diff', { base: 'main', head: 'main' })).text).toBe('');
  });

  it.each([
    'nowhere',
    '',
    '-p',
    '--output=MARKED.txt',
    '--no-index',
    'main..work',
    'main:.env',
    'HEAD:src/a.ts',
    ':/first',
    'HEAD^{/first}',
    'HEAD^{tree}',
    'main work',
    'a\nb',
    '*',
    '0'.repeat(40),
  ])('answers 400 for the ref %j', async (ref) => {
    for (const query of [{ base: ref }, { head: ref }]) {
      const reply = await ask(server, '/diff', query);
      expect([reply.status, Object(reply.body).code]).toEqual([400, 'validation_error']);
      expect(reply.text).not.toContain('MARKED');
    }
  });

  it('answers 400 where there is no repository', async () => {
    const other = await startServer();
    await allow(other);
    expect((await ask(other, '/diff')).status).toBe(400);
  });

  it('ends after 250,000 bytes with a marker', async () => {
    const other = await startServer();
    await git(other.root, 'init', '--quiet', '--initial-branch', 'main');
    await writeFiles(other.root, { 'a.txt': 'a\n' });
    await commit(other.root, 'first');
    await git(other.root, 'checkout', '--quiet', '-b', 'work');
    await writeFiles(other.root, { 'a.txt': lines(60_000, 'plenty') });
    await commit(other.root, 'second');
    await allow(other, '.');
    const { text } = await ask(other, '/diff');
    const marker = '\n[truncated: the diff goes on]\n';
    expect(text.endsWith(marker)).toBe(true);
    expect(Buffer.byteLength(text) - marker.length).toBe(250_000);
  });

  it('starts no program that the repository names, and writes nothing', async () => {
    const other = await startServer();
    const { root } = other;
    const trap = join(other.dir, 'trap.sh');
    const sprung = join(other.dir, 'sprung');
    await writeFile(trap, `#!/bin/sh\necho x > ${sprung}\ncat "$@"\n`);
    await chmod(trap, 0o755);
    await git(root, 'init', '--quiet', '--initial-branch', 'main');
    await writeFiles(root, { '.gitattributes': '*.txt diff=trap filter=trap\n', 'a.txt': 'a\n' });
    await commit(root, 'first');
    await git(root, 'checkout', '--quiet', '-b', 'work');
    await writeFiles(root, { 'a.txt': 'b\n' });
    await commit(root, 'second');
    const keys = [
      ...['diff.external', 'diff.trap.command', 'diff.trap.textconv', 'filter.trap.smudge'],
      ...['filter.trap.clean', 'core.fsmonitor', 'core.pager', 'core.sshCommand', 'gpg.program'],
    ];
    for (const key of keys) await git(root, 'config', key, trap);
    await git(root, 'config', 'color.ui', 'always');
    await git(root, 'config', 'diff.noprefix', 'true');
    await git(root, 'config', 'diff.context', '100000');
    await allow(other, '.');
    const { text } = await ask(other, '/diff');
    expect(text).toContain('--- a/a.txt\n+++ b/a.txt\n');
    await ask(other, '/diff', { stat: true });
    expect(() => execFileSync('cat', [sprung], { stdio: 'ignore' })).toThrow();
  });

  it('shows the files of the workspace only, when the repository is larger', async () => {
    const other = await startServer();
    await git(other.dir, 'init', '--quiet', '--initial-branch', 'main');
    await writeFiles(other.dir, { 'work/a.txt': 'a\n', 'beside.txt': 'a\n' });
    await git(other.dir, 'add', '--', 'work/a.txt', 'beside.txt');
    await git(other.dir, 'commit', '--quiet', '--message', 'first');
    await git(other.dir, 'checkout', '--quiet', '-b', 'work');
    await writeFiles(other.dir, { 'work/a.txt': 'b\n', 'beside.txt': 'MARKED-OUTSIDE\n' });
    await git(other.dir, 'commit', '--quiet', '--all', '--message', 'second');
    await allow(other, '.');
    const { text } = await ask(other, '/diff');
    expect(text).toContain('+++ b/a.txt\n');
    expect(text).not.toContain('MARKED');
    await unlink(join(other.dir, 'beside.txt'));
  });
});
