import { type BigIntStats, constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../core/system-error.ts';

/** What edits do to a disk, a method for each step: each may fail, and the process may die before any of them. */
export interface Disk {
  realPath(path: string): Promise<string>;
  /** What stands at a path, a link itself; null if nothing does. */
  look(path: string): Promise<BigIntStats | null>;
  /** Opens a real folder; fails for a link. */
  openFolder(path: string): Promise<Folder>;
  /** Reads a file and tells which one it was; fails for a link. */
  read(path: string): Promise<{ bytes: Buffer; stats: BigIntStats }>;
  /**
   * Writes a file that must not exist; durable when it resolves, but for its name.
   * @param mode null for that of any new file
   */
  writeNew(path: string, bytes: Uint8Array, mode: number | null): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name; fails if there is something of that name. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  names(path: string): Promise<string[]>;
}

/** An open folder. */
export interface Folder {
  /** Tells it from every other one, whatever their paths are now. */
  readonly id: string;
  /** The folder itself, and a name in it, as paths for {@link Disk}. */
  readonly path: string;
  at(name: string): string;
  /** Makes its names durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const windows = process.platform === 'win32';
// Windows knows none of these.
const noFollow = constants.O_NOFOLLOW ?? 0;
const noWait = constants.O_NONBLOCK ?? 0;
const folderOnly = constants.O_DIRECTORY ?? 0;

/** Which file or folder it is, on this machine. */
export const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;

export const realDisk: Disk = {
  realPath: realpath,
  async look(path) {
    try {
      return await lstat(path, { bigint: true });
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  },
  openFolder: (path) => (windows ? openByPath(path) : openByHandle(path)),
  async read(path) {
    const handle = await open(path, constants.O_RDONLY | noFollow | noWait);
    try {
      const stats = await handle.stat({ bigint: true });
      return { bytes: await handle.readFile(), stats };
    } finally {
      await handle.close();
    }
  },
  async writeNew(path, bytes, mode) {
    const handle = await open(path, 'wx', mode ?? 0o666);
    try {
      await handle.writeFile(bytes);
      // Once more, past the mask of the process.
      if (mode !== null) await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename: patiently(rename),
  link,
  unlink: patiently(unlink),
  makeFolder: async (path) => void (await mkdir(path)),
  removeFolder: rmdir,
  names: (path) => readdir(path),
};

/* On Windows a virus scanner or an open editor makes these fail for a moment; elsewhere it never just passes. */
function patiently<A extends string[]>(act: (...paths: A) => Promise<void>) {
  return async (...paths: A) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await act(...paths);
      } catch (error) {
        if (!windows || attempt >= 9 || !hasCode(error, 'EPERM', 'EACCES', 'EBUSY')) throw error;
        await delay(10 * 2 ** Math.min(attempt, 5));
      }
    }
  };
}

/*
 * Between the moment that a path is judged and the moment that it is used, somebody may put a link into the way. On
 * Linux a folder that is open has a path of its own, which leads to it wherever its names lead by then; elsewhere only
 * a look right before each use is left, see way.ts.
 */
async function openByHandle(path: string): Promise<Folder> {
  const handle = await open(path, constants.O_RDONLY | folderOnly | noFollow);
  try {
    const id = identityOf(await handle.stat({ bigint: true }));
    const base = (await pathOfHandle(handle, id)) ?? path;
    return {
      ...{ id, path: base, at: (name) => join(base, name) },
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @returns null where the system has no such paths */
async function pathOfHandle(handle: FileHandle, id: string): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const path = `/proc/self/fd/${handle.fd}`;
  // With the slash at its end it is looked at as the folder that it leads to.
  const found = await realDisk.look(`${path}/`);
  return found !== null && identityOf(found) === id ? path : null;
}

async function openByPath(path: string): Promise<Folder> {
  const found = await lstat(path, { bigint: true });
  if (!found.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  const nothing = async () => undefined;
  return {
    id: identityOf(found),
    path,
    at: (name) => join(path, name),
    sync: nothing,
    close: nothing,
  };
}
