import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { createShared } from './queue.ts';

/** A check that the right to write is still ours; throws `GimoError('not_writer')` when it is not. */
export type Fence = () => void;

const windows = process.platform === 'win32';

/** Keeps a link at the end of a path from being followed. Windows has no such flag. */
export const noFollow: number = windows ? 0 : constants.O_NOFOLLOW;

/**
 * Turns what the file system threw into the error that a caller may see; anything else comes back as it is.
 *
 * @param what the thing that was read or written, in words; no path, since paths tell who the user is
 */
export function storageError(error: unknown, what: string): unknown {
  if (error instanceof GimoError || !(error instanceof Error) || !('code' in error)) return error;
  const { code } = error;
  if (typeof code !== 'string') return error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new GimoError(
      'storage_full',
      `There is no room left on the disk for ${what}. Free some space, then try again.`,
      { cause: error },
    );
  return new GimoError(
    'storage_error',
    `The file system refused ${what} (${code}). Check the disk and the permissions, then try again.`,
    { cause: error },
  );
}

/**
 * Makes what a directory holds survive a power cut. Windows offers nothing of the kind and needs nothing. Changes of the
 * same directory that wait for it at the same time share their sync.
 */
export const syncDir: (path: string) => Promise<void> = createShared(syncNow);

async function syncNow(path: string): Promise<void> {
  if (windows) return;
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(error, `the folder ${basename(path)}`);
  }
}

/**
 * Creates a directory and its parents, durably.
 * @param mode applies to what is created, not to what was there
 */
export async function ensureDir(path: string, mode = 0o700): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined) return;
    // Each new folder is a name in the one above it.
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDir(dirname(made));
  } catch (error) {
    throw storageError(error, `the folder ${basename(path)}`);
  }
}

/** Like {@link ensureDir}, and refuses a link: what it leads to is not ours to write in. */
export async function ensureRealDir(path: string, mode = 0o700): Promise<void> {
  await ensureDir(path, mode);
  if (await isLink(path))
    throw new GimoError(
      'storage_error',
      `The folder ${basename(path)} of the data directory is a link. Put a real folder in its place.`,
    );
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    throw storageError(error, `the folder ${basename(path)}`);
  }
}

/* Temp files of this process that are being written now: a sweep must not take them for leftovers. */
const live = new Set<string>();
const tempName = /^\..+\.(\d+)-[0-9a-f]{12}\.tmp$/;

function tempPath(path: string): string {
  const unique = `${process.pid}-${randomBytes(6).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${unique}.tmp`);
}

/**
 * Writes a file that must not be there yet, and syncs it; its name is not synced. Throws what the file system throws,
 * `EEXIST` if it is there.
 */
export async function writeNew(
  path: string,
  data: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/* On Windows a virus scanner or an open editor makes a rename fail for a moment; elsewhere it never just passes. */
async function renameFenced(from: string, to: string, fence: Fence | undefined): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    fence?.();
    try {
      return await rename(from, to);
    } catch (error) {
      if (!windows || attempt >= 9 || !hasCode(error, 'EPERM', 'EACCES', 'EBUSY')) throw error;
      await delay(10 * 2 ** Math.min(attempt, 5));
    }
  }
}

export interface WriteOptions {
  /** Of the new file; 0600 if left out. */
  mode?: number;
  /** Called right before the rename; when it throws, nothing has changed. */
  fence?: Fence;
}

/**
 * Replaces a file so that a reader sees the old content or the new, never half of one, whenever the process dies.
 * Durable when it resolves. When it throws, the file is as it was: also if only its name could not be made durable,
 * since the caller then says that nothing was done.
 *
 * @throws GimoError `storage_full`, `storage_error`, or whatever the fence threw
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const temp = tempPath(path);
  live.add(temp);
  let before: FileHandle | null = null;
  let renamed = false;
  try {
    await writeNew(temp, data, options.mode ?? 0o600);
    before = await openBefore(path);
    await renameFenced(temp, path, options.fence);
    renamed = true;
    await syncDir(dirname(path));
  } catch (error) {
    // The first error is the one to tell; what stays behind is swept at the next start.
    if (renamed) await putBack(path, temp, before).catch(onlySystem);
    await rm(temp, { force: true }).catch(onlySystem);
    throw storageError(error, basename(path));
  } finally {
    live.delete(temp);
    await before?.close();
  }
}

function onlySystem(error: unknown): void {
  if (!hasCode(error)) throw error;
}

/**
 * Opens a file that is about to be replaced: its content can be had while it is open, also without its name.
 * @returns null if there is nothing whose content could be put back
 */
async function openBefore(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
  } catch (error) {
    onlySystem(error);
    return null;
  }
}

async function putBack(path: string, temp: string, before: FileHandle | null): Promise<void> {
  if (before === null) return unlink(path);
  await writeNew(temp, await before.readFile(), (await before.stat()).mode & 0o777);
  await rename(temp, path);
}

/** Deletes a file, durably. No error if it is gone already. */
export async function removeFile(path: string, fence?: Fence): Promise<void> {
  fence?.();
  try {
    await unlink(path);
    await syncDir(dirname(path));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw storageError(error, basename(path));
  }
}

/**
 * Reads a text file without following a link at its end.
 *
 * @param most bytes; a larger file counts as unreadable
 * @returns null if there is no regular UTF-8 file of that size
 * @throws GimoError `storage_error` when the disk fails or refuses
 */
export async function readText(path: string, most = 64 * 2 ** 20): Promise<string | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
    try {
      const found = await handle.stat();
      if (!found.isFile() || found.size > most) return null;
      return decodeText(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    // ELOOP is what O_NOFOLLOW answers for a link.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null;
    throw storageError(error, basename(path));
  }
}

/** @returns the text without a byte order mark, or null if it is not UTF-8 */
export function decodeText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** @returns the parsed JSON, or undefined (which no JSON is) if it cannot be parsed */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Reads a JSON file. @returns the parsed JSON, or null if there is none that can be parsed */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  return text === null ? null : (parseJson(text) ?? null);
}

/** Names of a directory; none if there is no such directory. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw storageError(error, `the folder ${basename(path)}`);
  }
}

/** How old a temp file must be before it is swept although its writer's process id is in use (milliseconds). */
const forgottenMs = 60 * 60 * 1000;

/**
 * Deletes temp files that a dead process left in a directory.
 * @returns how many there were
 */
export async function sweepTemps(dir: string): Promise<number> {
  let swept = 0;
  for (const name of await namesIn(dir)) {
    if (!name.endsWith('.tmp')) continue; // cheap, for folders of very many names
    const pid = tempName.exec(name)?.[1];
    const path = join(dir, name);
    if (pid === undefined || live.has(path) || !(await isLeftover(path, Number(pid)))) continue;
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw storageError(error, 'a leftover temp file');
    }
    swept += 1;
  }
  // Of a folder that is seldom looked at, they would be back after a power cut.
  if (swept > 0) await syncDir(dir);
  return swept;
}

async function isLeftover(path: string, pid: number): Promise<boolean> {
  // With our own process id and not in `live`: an earlier process had the same id, as happens in containers.
  if (pid === process.pid || !pidInUse(pid)) return true;
  try {
    return Date.now() - (await stat(path)).mtimeMs > forgottenMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw storageError(error, 'a leftover temp file');
  }
}

/** Tells whether any process has this id now. */
export function pidInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (hasCode(error, 'EPERM')) return true;
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}
