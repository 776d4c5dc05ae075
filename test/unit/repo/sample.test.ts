import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeSample } from '../../../scripts/sample.ts';

let parent: string;
let dir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'gimo-sample-'));
  dir = join(parent, 'sample');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true, force: true });
});

const git = async (cwd: string, ...args: string[]) =>
  (await promisify(execFile)('git', args, { cwd })).stdout.trim();

it('is a clean repository with one commit, always the same', async () => {
  await makeSample(dir);
  await makeSample(join(parent, 'again'));
  expect(await git(dir, 'status', '--porcelain')).toBe('');
  expect(await git(dir, 'log', '--format=%an %at %s')).toBe('Sample 1714979289 Add up invoices');
  expect(await git(join(parent, 'again'), 'rev-parse', 'HEAD')).toBe(
    await git(dir, 'rev-parse', 'HEAD'),
  );
  expect((await readdir(parent)).sort()).toEqual(['again', 'sample']);
});

it('is left as it is when it stands already, edits included', async () => {
  await makeSample(dir);
  await appendFile(join(dir, 'README.md'), 'Mine.\n');
  await makeSample(dir);
  expect(await readFile(join(dir, 'README.md'), 'utf8')).toMatch(/Mine\.\n$/);
});

it('takes an empty folder', async () => {
  await mkdir(dir);
  await makeSample(dir);
  expect(await readdir(dir)).toContain('package.json');
});

it('does not touch a folder that holds something else', async () => {
  await mkdir(dir);
  await writeFile(join(dir, 'mine.txt'), 'mine');
  await expect(makeSample(dir)).rejects.toThrow(/not empty/);
  expect(await readdir(dir)).toEqual(['mine.txt']);
});

it('says that git is missing, and leaves nothing behind', async () => {
  vi.stubEnv('PATH', parent);
  await expect(makeSample(dir)).rejects.toThrow(/needs git/);
  expect(await readdir(parent)).toEqual([]);
});

it('has tests that pass', async () => {
  await makeSample(dir);
  const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };
  await promisify(execFile)(process.execPath, ['--test'], { cwd: dir, env });
});
