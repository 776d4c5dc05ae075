import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { lstat, mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { createShared } from './queue.ts';

/** A check that the right to write is still ours; throws `GimoError('not_writer')` when it is not. */
export type Fence = () => void;

export const windows: boolean = process.platform === 'win32';

/** Keeps a link at the end of a path from being followed. Windows has no such flag. */
export const noFollow: number = windows ? 0 : constants.O_NOFOLLOW;

/** Opens what is there to be read: follows no link, and does not wait for one who writes into a pipe. */
export const readOnly: number = constants.O_RDONLY | constants.O_NONBLOCK | noFollow;

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

/** Makes what stands in a file survive a power cut. What is missing, or a link, is left to whoever reads it. */
export async function syncFile(path: string): Promise<void> {
  try {
    // Windows syncs only what is open to be written.
    const handle = await open(path, windows ? constants.O_RDWR : readOnly);
    try {
      if ((await handle.stat()).isFile()) await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ELOOP')) throw storageError(error, basename(path));
  }
}

/**
 * Creates a directory and its parents, durably.
 * @param mode applies to what is created, not to what was there
 */
export async function ensureDir(path: string, mode = 0o700): Promise<void> {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
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

/**
 * Files up to this many bytes are read at once: four calls of a few microseconds beat four trips through the thread
 * pool, each of which waits for its turn where others are busy.
 */
export const smallBytes: number = 64 * 1024;

/** Opens what is there to be read, without waiting, and closes it again. Throws what the file system throws. */
export function openedNow<T>(path: string, use: (fd: number, found: Stats) => T): T {
  const fd = openSync(path, readOnly);
  try {
    return use(fd, fstatSync(fd));
  } finally {
    closeSync(fd);
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
    const isToRead = (found: Stats) => found.isFile() && found.size <= most;
    const small = openedNow(path, (fd, found) => {
      if (!isToRead(found)) return null;
      return found.size > smallBytes ? undefined : decodeText(readFileSync(fd));
    });
    if (small !== undefined) return small;
    const handle = await open(path, readOnly);
    try {
      return isToRead(await handle.stat()) ? decodeText(await handle.readFile()) : null;
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
