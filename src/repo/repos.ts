import { randomBytes } from 'node:crypto';
import { type Dirent, lstatSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import type { Repos } from '../core/repo-ports.ts';
import { hasCode } from '../core/system-error.ts';
import { isDenied } from './denied.ts';

/** Folders that a list of repositories shows at most. */
const mostListed = 500;

/** A sample: it shows the form, and allows nothing, for its time is over. */
const sampleAllowlist = {
  paths: [{ path: 'README.md', expires_at: '2000-01-01T00:00:00Z' }],
};

export interface ReposOptions {
  /** The workspace, a real path. */
  root: string;
  /** The folder that the repositories lie under, a real path; null for the workspace alone. */
  bound: string | null;
  /** The folders of an editor's window; they then are the repositories. */
  folders?: () => readonly string[];
  /** The user's home directory. */
  home: string;
}

/** Makes the list of repositories that may be selected. The workspace is always one of them. */
export function createRepos({ root, bound, folders, home }: ReposOptions): Repos {
  const shown = (path: string) => masked(path, home);
  /** What may be selected whatever the bound says. */
  const given = () => [...new Set([root, ...(folders?.() ?? [])])];
  const listed = async () => [
    ...new Set([...given(), ...(bound === null ? [] : await foldersIn(bound))]),
  ];

  const place = async (path: string): Promise<string> => {
    const named = (await listed()).find((one) => one === path || shown(one) === path);
    if (named !== undefined) return named;
    if (path.includes('\0')) throw outside();
    const full = isAbsolute(path) ? resolve(path) : resolve(bound ?? root, path);
    if (given().includes(full)) return full;
    if (bound === null || !isBelow(bound, full)) throw outside();
    return full;
  };
  return {
    root,
    bound: bound ?? root,
    shown,
    async list() {
      const repos = (await listed()).slice(0, mostListed);
      return repos.map((path) => ({ name: basename(path), path }));
    },
    async find(path) {
      const full = await place(path);
      const real = await realFolder(full);
      const fixed = await Promise.all(given().map((one) => realOf(one)));
      if (fixed.includes(real) || (bound !== null && isBelow(bound, real))) return real;
      throw outside();
    },
    prepare,
  };
}

const outside = () =>
  new GimoError(
    'path_refused',
    'This is none of the repositories that may be selected. List them to see which are.',
    { status: 400 },
  );

/** Whether a path lies in a folder, and not in what is denied there. The folder itself does not. */
function isBelow(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && !isAbsolute(inside) && !isDenied(inside.replaceAll(sep, '/'));
}

async function foldersIn(bound: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(bound, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return [];
    throw error;
  }
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !isDenied(entry.name))
    .map(({ name }) => join(bound, name))
    .sort();
}

/** @returns null if there is nothing */
async function realOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES')) return null;
    throw error;
  }
}

async function realFolder(path: string): Promise<string> {
  const real = await realOf(path);
  if (real === null)
    throw new GimoError('not_found', 'There is no such repository. List them to see which are.');
  if ((await lstat(real)).isDirectory()) return real;
  throw new GimoError('validation_error', 'This path is not a folder.', { status: 400 });
}

/** Puts [USER] in the place of the name of whoever a home directory belongs to. */
function masked(path: string, home: string): string {
  const usual = /^((?:[a-z]:)?[\\/](?:home|users)[\\/])[^\\/]+/i;
  if (usual.test(path)) return path.replace(usual, '$1[USER]');
  if (path !== home && !path.startsWith(home.endsWith(sep) ? home : home + sep)) return path;
  return join(dirname(home), '[USER]') + path.slice(home.length);
}

async function prepare(repo: string): Promise<string[]> {
  const made: string[] = [];
  for (const folder of ['.orch_data', '.orch_data/ops']) await makeFolder(join(repo, folder));
  const files = {
    '.orch_data/.gitignore': '*\n',
    '.orch_data/ops/allowlist.json': `${JSON.stringify(sampleAllowlist, null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files))
    if (await makeFile(join(repo, name), text)) made.push(name);
  return made;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw refused(error);
  }
  // A link would lead what is made to another place.
  if (!lstatSync(path).isDirectory()) throw refused(null);
}

/**
 * Makes a file whole or not at all: half of one would be taken for somebody's own, and stay. What a crash leaves of the
 * attempt has the form of a temp file, which the server of that repository sweeps.
 *
 * @returns false if there is something of that name already
 */
async function makeFile(path: string, text: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
  const unique = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const temp = join(dirname(path), `.${basename(path)}.${unique}.tmp`);
  try {
    await writeNew(temp, text);
    await linkOrWrite(temp, path, text);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw refused(error);
  } finally {
    await rm(temp, { force: true });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function linkOrWrite(temp: string, path: string, text: string): Promise<void> {
  try {
    await link(temp, path);
  } catch (error) {
    // File systems without links (exFAT, some network shares).
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR')) throw error;
    await writeNew(path, text);
  }
}

function refused(cause: unknown): unknown {
  if (cause !== null && !(cause instanceof Error && 'code' in cause)) return cause;
  return new GimoError(
    'path_refused',
    'The data directory of this repository cannot be prepared. Look what stands at .orch_data there.',
    { status: 400, ...(cause === null ? {} : { cause }) },
  );
}
