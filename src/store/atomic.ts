import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../core/ports.ts';
import { hasCode } from '../core/system-error.ts';
import { type Fence, namesIn, readOnly, storageError, syncDir, windows } from './files.ts';
import { pidInUse } from './process.ts';

/*
 * How files are replaced and removed, and how what a process left of that is swept. A temp file is written beside the
 * one that it is to become, and renamed: so nobody ever reads half of one.
 */

/* Temp files of this process that are being written now: a sweep must not take them for leftovers. */
const live = new Set<string>();
const tempName = /^\..+\.(\d+)-[0-9a-f]{12}\.tmp$/;

function tempPath(path: string): string {
  const unique = `${process.pid}-${randomBytes(6).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${unique}.tmp`);
}

/** Hands out the path of a temp file beside another file: no sweep of ours takes it, and it is gone in the end. */
export async function withTemp(path: string, use: (temp: string) => Promise<void>): Promise<void> {
  const temp = tempPath(path);
  live.add(temp);
  try {
    await use(temp);
  } finally {
    await rm(temp, { force: true });
    live.delete(temp);
  }
}

/**
 * Writes a file that must not be there yet, and syncs it unless told that it need not be durable; its name is not
 * synced. Throws what the file system throws, `EEXIST` if it is there.
 */
export async function writeNew(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, durable = true }: Pick<WriteOptions, 'mode' | 'durable'> = {},
): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(data);
    if (durable) await handle.sync();
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
  /**
   * Whether it has to survive a power cut; true if left out. What is only true while its writer lives need not, and is
   * then spared two syncs: after a power cut it may be as it was before, missing, or unreadable.
   */
  durable?: boolean;
}

/**
 * Replaces a file so that a reader sees the old content or the new, never half of one, whenever the process dies.
 * Durable when it resolves, unless that was not asked for. When it throws, the file is as it was: also if only its name could not be made durable,
 * since the caller then says that nothing was done.
 *
 * @throws GimoError `storage_full`, `storage_error`, or whatever the fence threw
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const { mode, fence, durable = true } = options;
  const temp = tempPath(path);
  live.add(temp);
  let before: FileHandle | null = null;
  let renamed = false;
  try {
    await writeNew(temp, data, { ...(mode === undefined ? {} : { mode }), durable });
    if (durable) before = await openBefore(path);
    await renameFenced(temp, path, fence);
    renamed = true;
    if (durable) await syncDir(dirname(path));
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
    return await open(path, readOnly);
  } catch (error) {
    onlySystem(error);
    return null;
  }
}

async function putBack(path: string, temp: string, before: FileHandle | null): Promise<void> {
  if (before === null) return unlink(path);
  await writeNew(temp, await before.readFile(), { mode: (await before.stat()).mode & 0o777 });
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

/** How old a temp file must be before it is swept although its writer's process id is in use (milliseconds). */
const forgottenMs = 60 * 60 * 1000;

/**
 * Deletes temp files that a dead process left in a directory.
 *
 * @param names what lies in it, if somebody has just looked
 * @returns how many there were
 */
export async function sweepTemps(dir: string, names?: readonly string[]): Promise<number> {
  let swept = 0;
  for (const name of names ?? (await namesIn(dir))) {
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

/** Does what {@link sweepTemps} does, and logs it. */
export async function sweepTold(dir: string, logger: Logger, names?: readonly string[]) {
  const count = await sweepTemps(dir, names);
  if (count === 0) return;
  const folder = basename(dir);
  logger.log('info', 'Swept files that a process left half written.', { folder, count });
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
