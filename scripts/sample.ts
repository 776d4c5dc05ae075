import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../test/fixtures/sample-repo', import.meta.url));
/** Stands in `.git`, where nobody edits it: the folder is our sample, whatever became of its files. */
const marker = join('.git', 'gimo-sample');
const when = '2024-05-06T07:08:09Z';

/**
 * Makes a repository to try things on: a copy of the sample project with one commit, whose id is always the same. A
 * folder that holds the sample already is left as it is, edits included. The folder appears complete or not at all.
 *
 * @param dir where to; must be missing, empty, or an earlier sample
 * @throws Error saying what to do if git is missing or the folder holds something else
 */
export async function makeSample(dir: string): Promise<void> {
  const target = resolve(dir);
  if (await exists(join(target, marker))) return;
  if (await holdsAnything(target))
    throw new Error(`${target} is not empty and is not the sample. Choose another folder.`);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  const fresh = `${target}.making-${process.pid}`;
  try {
    await cp(source, fresh, { recursive: true });
    await git(fresh, 'init', '--quiet', '--template=', '--initial-branch=main');
    await git(fresh, 'add', '--all');
    await git(fresh, 'commit', '--quiet', '--no-gpg-sign', '--message=Add up invoices');
    await writeFile(join(fresh, marker), 'Made by GIMO to try things on.\n');
    if (await exists(target)) await rmdir(target);
    await rename(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function git(cwd: string, ...args: string[]): Promise<void> {
  const kept = Object.entries(process.env).filter(([name]) => !/^git_/i.test(name));
  const env = {
    ...Object.fromEntries(kept),
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Sample',
    GIT_AUTHOR_EMAIL: 'sample@example.com',
    GIT_AUTHOR_DATE: when,
    GIT_COMMITTER_NAME: 'Sample',
    GIT_COMMITTER_EMAIL: 'sample@example.com',
    GIT_COMMITTER_DATE: when,
  };
  try {
    await run('git', ['-c', 'core.autocrlf=false', ...args], { cwd, env });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Error('The sample repository needs git. Install it, then start again.', {
        cause: error,
      });
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function holdsAnything(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length > 0;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
