import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRepoFacts } from '../../../src/repo/facts.ts';

const run = promisify(execFile);
let root: string;
let outside: string;
beforeEach(async () => {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'gimo-facts-')));
  root = join(parent, 'repo');
  outside = join(parent, 'outside');
  await mkdir(root);
  await mkdir(outside);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dirname(root), { recursive: true, force: true });
});

const never = new AbortController().signal;

async function put(path: string, content: string | Uint8Array) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

function git(...args: string[]) {
  const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
  const running = run('git', [...who, ...args], { cwd: root });
  // What git starts would otherwise wait for our input.
  running.child.stdin?.end();
  return running;
}

async function committed() {
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all', '--force');
  await git('commit', '--quiet', '--no-gpg-sign', '--allow-empty', '-m', 'first');
}

const filesWith = async (word: string) =>
  (await createRepoFacts(root).matches([word], 100, never)).map(({ file }) => file);

describe.each(['with git', 'without git'])('%s', (how) => {
  const prepare = () => (how === 'with git' ? committed() : Promise.resolve());

  it('denied files never show, though they are committed', async () => {
    const denied = [
      '.env',
      'tls.key',
      'id_rsa',
      '.npmrc',
      'node_modules/a.js',
      '.orch_data/x.json',
    ];
    for (const path of [...denied, 'src/a.ts']) await put(path, 'needle\n');
    await prepare();
    expect(await filesWith('needle')).toEqual(['src/a.ts']);
    expect((await createRepoFacts(root).overview()).files).toBe(1);
  });

  it('what is not text, and what is larger than 1 MiB, is left out', async () => {
    await put('nul.txt', 'needle\0');
    await put('latin.txt', Buffer.from([...Buffer.from('needle '), 0xe9, 0x0a]));
    await put('large.txt', `needle\n${'x'.repeat(1024 * 1024)}`);
    await put('fits.txt', `needle\n${'x'.repeat(1024 * 1024 - 7)}`);
    await put('late-nul.txt', `needle ${'x'.repeat(8192)}\0`);
    await prepare();
    expect(await filesWith('needle')).toEqual(['fits.txt', 'late-nul.txt']);
  });

  it('symlinks are not followed, to files or through folders', async () => {
    await writeFile(join(outside, 'secret.txt'), 'needle\n');
    await put('real.txt', 'needle\n');
    await symlink(join(outside, 'secret.txt'), join(root, 'link.txt'));
    await symlink(outside, join(root, 'folder'));
    await symlink('real.txt', join(root, 'inner.txt'));
    await prepare();
    expect(await filesWith('needle')).toEqual(['real.txt']);
  });

  it('lines that hold more of the words come first, then by path and line', async () => {
    await put('b.txt', 'red\nred and blue\nreddish\n');
    await put('a.txt', 'blue\r\nnothing\r\nRED\r\n');
    await prepare();
    const facts = createRepoFacts(root);
    const found = await facts.matches(['red', 'blue'], 10, never);
    expect(found.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'b.txt:2',
      'a.txt:1',
      'a.txt:3',
      'b.txt:1',
      'b.txt:3',
    ]);
    expect(found[2]?.content).toBe('RED');
    expect(await facts.matches(['red', 'blue'], 10, never)).toEqual(found);
    expect(await facts.matches(['red', 'blue'], 2, never)).toEqual(found.slice(0, 2));
  });
});

it('at most 2,000 files are read, those first whose path holds a word', async () => {
  for (let n = 0; n < 2005; n += 1)
    await put(`many/f${String(n).padStart(4, '0')}.txt`, `needle ${n}\n`);
  await put('z-needle.txt', 'the needle\n');
  const found = await createRepoFacts(root).matches(['needle'], 5000, never);
  expect(found).toHaveLength(2000);
  expect(found.at(-1)?.file).toBe('z-needle.txt');
});

it('a long line is shortened', async () => {
  await put('long.txt', `needle ${'x'.repeat(5000)}`);
  const [found] = await createRepoFacts(root).matches(['needle'], 1, never);
  expect(found?.content).toHaveLength(201);
});

it('an abort throws its reason', async () => {
  await put('a.txt', 'needle');
  const reason = new Error('enough');
  const asked = createRepoFacts(root).matches(['needle'], 1, AbortSignal.abort(reason));
  await expect(asked).rejects.toBe(reason);
});

it('an abort while git runs throws its reason', async () => {
  await committed();
  const stop = new AbortController();
  const reason = new Error('enough');
  const asked = createRepoFacts(root).matches(['needle'], 1, stop.signal);
  process.nextTick(() => stop.abort(reason));
  await expect(asked).rejects.toBe(reason);
});

it('a missing folder is not_found', async () => {
  await expect(createRepoFacts(join(root, 'gone')).overview()).rejects.toMatchObject({
    code: 'not_found',
  });
});

it('without git there is no branch and nothing is changed', async () => {
  await put('a.txt', 'x');
  vi.stubEnv('PATH', outside);
  expect(await createRepoFacts(root).overview()).toEqual({ branch: null, changed: 0, files: 1 });
});

it('the overview tells branch, changes and files, without what is ignored', async () => {
  await put('a.txt', 'x');
  await put('b.txt', 'x');
  await committed();
  await put('.gitignore', 'ignored/\n');
  await put('ignored/c.txt', 'x');
  await put('new/d.txt', 'x');
  await put('.env', 'not counted');
  await appendFile(join(root, 'a.txt'), 'more');
  expect(await createRepoFacts(root).overview()).toEqual({ branch: 'main', changed: 3, files: 4 });
});

it('a detached head has no branch', async () => {
  await committed();
  await git('checkout', '--quiet', '--detach');
  expect((await createRepoFacts(root).overview()).branch).toBeNull();
});

it('a folder inside a repository shows only what lies below it', async () => {
  await put('top.txt', 'needle');
  await put('part/in.txt', 'needle');
  await committed();
  const facts = createRepoFacts(join(root, 'part'));
  expect((await facts.matches(['needle'], 9, never)).map(({ file }) => file)).toEqual(['in.txt']);
  expect(await facts.overview()).toEqual({ branch: 'main', changed: 0, files: 1 });
});

describe('a hostile repository', () => {
  const witness = () => join(outside, 'ran');

  /** A program that leaves a trace when it is run. */
  async function trap(): Promise<string> {
    const path = join(outside, 'trap.sh');
    await writeFile(path, `#!/bin/sh\necho "$0 $@" >> '${witness()}'\ncat\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Runs git as a careless program would, to show that the trap is a real one. */
  const careless = () => git('status', '--porcelain');

  /** Makes git look into a file again: same size, other time. */
  const stale = () => utimes(join(root, 'a.txt'), new Date(1e12), new Date(1e12));

  beforeEach(async () => {
    await put('a.txt', 'needle\n');
    await put('.gitattributes', '*.txt filter=evil\n');
    await committed();
  });

  it.each([
    ['a clean filter', (path: string) => [['filter.evil.clean', path]]],
    [
      'a required filter process',
      (path: string) => [
        ['filter.evil.process', path],
        ['filter.evil.required', 'true'],
      ],
    ],
    ['a file system monitor', (path: string) => [['core.fsmonitor', path]]],
  ])('cannot start a program through %s', async (_name, settings) => {
    for (const [key = '', value = ''] of settings(await trap())) await git('config', key, value);
    await stale();
    await createRepoFacts(root).overview();
    await filesWith('needle');
    expect(existsSync(witness())).toBe(false);
    await careless().catch(() => null);
    expect(existsSync(witness())).toBe(true);
  });

  it('cannot start a program through a hook', async () => {
    const hook = join(root, '.git/hooks/post-index-change');
    await mkdir(dirname(hook), { recursive: true });
    await writeFile(hook, `#!/bin/sh\necho hook >> '${witness()}'\n`);
    await chmod(hook, 0o755);
    await stale();
    await createRepoFacts(root).overview();
    expect(existsSync(witness())).toBe(false);
    await careless();
    expect(existsSync(witness())).toBe(true);
  });

  it('cannot lead git to a file outside by core.worktree', async () => {
    await writeFile(join(outside, 'secret.txt'), 'needle\n');
    await git('config', 'core.worktree', outside);
    const found = await createRepoFacts(root).matches(['needle'], 9, never);
    expect(found.filter(({ file }) => file.includes('secret'))).toEqual([]);
  });

  it('is looked at without what the environment tells git', async () => {
    vi.stubEnv('GIT_DIR', outside);
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', 'core.fsmonitor');
    vi.stubEnv('GIT_CONFIG_VALUE_0', await trap());
    expect((await createRepoFacts(root).overview()).branch).toBe('main');
    expect(existsSync(witness())).toBe(false);
  });
});
