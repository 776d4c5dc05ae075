import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { systemCode } from '../core/system-error.ts';
import { type Disk, type Folder, identityOf } from './disk.ts';
import { partsOf, Refused } from './place.ts';

/*
 * The way to a file of the workspace, folder by folder, each opened from the one before it: no link is followed, on the
 * way or at its end.
 */

/** The workspace as edits see it. */
export interface Ground {
  disk: Disk;
  root: string;
  /** Nothing in this folder is touched. */
  dataDir: string;
  /** Whether an editor holds changes of the file that are not saved. */
  isUnsaved: (path: string) => boolean;
  /** Throws if the right to write is not ours any more. */
  fence: () => void;
}

/** The most that a file may hold to be changed, in bytes; so much may also be kept for one step. */
export const largestFile = 64 * 2 ** 20;

/** What is demanded of the folders on a way. */
export interface Passage {
  /** The folders that were there when it was looked at, which have to be the same; null if it was not. */
  known: readonly string[] | null;
  /** Folders that were made since; whatever lies beyond `known` has to be among them. */
  made: Set<string>;
  /** Whether folders that are missing are made, and put in there. */
  make: boolean;
}

/** The folders that were there, the workspace first, and the last one, open; null if others are missing behind it. */
export interface Way {
  ids: readonly string[];
  folder: Folder | null;
}

/**
 * Goes to the folder that holds a path.
 *
 * @param passage null: nothing is demanded, and nothing made
 * @throws Refused for whatever is not a real folder, and for what is not as `passage` demands
 */
export async function onTheWay<T>(
  { disk, root, dataDir }: Ground,
  path: string,
  passage: Passage | null,
  use: (way: Way) => Promise<T>,
): Promise<T> {
  const parts = partsOf(path).slice(0, -1);
  const data = await disk.look(dataDir);
  const denied = data === null ? null : identityOf(data);
  let folder = await disk.openFolder(await disk.realPath(root));
  const ids = [folder.id];
  try {
    judge(folder.id, 0, passage);
    for (const [n, name] of parts.entries()) {
      const next = await enter(disk, folder, name, passage);
      if (next === null) return await use({ ids, folder: null });
      const before = folder;
      folder = next;
      await before.close();
      if (folder.id === denied) throw new Refused('It lies in the data directory of GIMO.');
      judge(folder.id, n + 1, passage);
      ids.push(folder.id);
    }
    return await use({ ids, folder });
  } finally {
    await folder.close();
  }
}

function judge(id: string, depth: number, passage: Passage | null): void {
  if (!passage?.known) return;
  const known = passage.known[depth];
  if (known === undefined ? !passage.made.has(id) : known !== id) throw moved();
}

/** @returns null if there is nothing of that name, and it is not to be made */
async function enter(disk: Disk, folder: Folder, name: string, passage: Passage | null) {
  const path = folder.at(name);
  const found = await lookAt(disk, path);
  if (found === null && !passage?.make) return null;
  if (found?.isSymbolicLink())
    throw new Refused('A symbolic link stands on its way, and an edit follows none.');
  if (found !== null && !found.isDirectory())
    throw new Refused('A part of its path is a file, and no folder.');
  if (found === null) {
    await make(disk, path);
    await folder.sync();
  }
  const next = await open(disk, path);
  if (found === null) passage?.made.add(next.id);
  else if (identityOf(found) !== next.id) {
    await next.close();
    throw moved();
  }
  return next;
}

async function make(disk: Disk, path: string): Promise<void> {
  try {
    await disk.makeFolder(path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw moved();
    throw error;
  }
}

async function open(disk: Disk, path: string): Promise<Folder> {
  try {
    return await disk.openFolder(path);
  } catch (error) {
    // It was a folder a moment ago.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) throw moved();
    throw error;
  }
}

async function lookAt(disk: Disk, path: string) {
  try {
    return await disk.look(path);
  } catch (error) {
    if (systemCode(error) === 'ENAMETOOLONG') throw new Refused('A part of its path is too long.');
    throw error;
  }
}

const moved = () =>
  new Refused('A folder on its way was exchanged meanwhile. Look at what happens there.');

/** A file as it stands. */
export interface Standing {
  bytes: Buffer;
  sha256: string;
  /** Permission bits. */
  mode: number;
}

/** How much is hashed before others have their turn, in bytes: a millisecond or two. */
const slice = 2 ** 20;

/** The SHA-256 of a file; whoever waits meanwhile is served. */
async function sha256InSlices(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += slice) {
    if (at > 0) await breathe();
    hash.update(bytes.subarray(at, at + slice));
  }
  return hash.digest('hex');
}

/** The name at the end of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Reads what stands under a name.
 * @returns null if nothing does
 * @throws Refused for what is not a plain file, known by this name alone
 */
export async function standing(disk: Disk, folder: Folder, name: string): Promise<Standing | null> {
  const found = await lookAt(disk, folder.at(name));
  if (found === null) return null;
  if (found.isSymbolicLink()) throw new Refused('It is a symbolic link, and an edit follows none.');
  if (found.isDirectory()) throw new Refused('It is a folder, and no file.');
  if (!found.isFile()) throw new Refused('It is no regular file.');
  if (found.nlink > 1n)
    throw new Refused('It has another name (a hard link), which may lie outside the workspace.');
  if (found.size > BigInt(largestFile))
    throw new Refused(`It is larger than ${largestFile / 2 ** 20} MiB. Use a command step.`);
  const { bytes, stats } = await disk.read(folder.at(name));
  if (identityOf(stats) !== identityOf(found) || !stats.isFile())
    throw new Refused('It was exchanged while it was read. Try again.');
  const mode = Number(stats.mode & 0o7777n);
  return { bytes, sha256: await sha256InSlices(bytes), mode };
}
