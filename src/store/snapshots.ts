import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { sha256 } from '../core/hash.ts';
import type { Snapshots } from '../core/repo-ports.ts';
import { hasCode } from '../core/system-error.ts';
import {
  decodeText,
  ensureRealDir,
  type Fence,
  namesIn,
  noFollow,
  readOnly,
  storageError,
} from './files.ts';

const ours = /^s_(\d{1,16})_[0-9a-f]{16}\.txt$/;
/** Bytes that all snapshots together may hold; the oldest make room. */
const mostBytes = 128 * 2 ** 20;
const zeros = Buffer.alloc(64 * 1024);

interface Kept {
  key: string;
  identity: string;
  name: string;
  sha256: string;
  bytes: number;
  /** Milliseconds since 1970. */
  madeAt: number;
}

/** The snapshots on disk, and what cleans them up. */
export interface SnapshotFiles extends Snapshots {
  /**
   * Removes what is older than its time, also what an earlier process left behind. Contents are overwritten before
   * they are unlinked.
   * @returns how many there were
   */
  cleanSnapshots(): Promise<number>;
}

/**
 * Opens the snapshots of a data directory. Nothing is made before the first is kept. What was kept is known to this
 * process alone, with its hash: a file that somebody put there, or changed, is not handed out.
 *
 * @param options.dir `<dataDir>/snapshots`
 * @param options.ttl seconds that a snapshot is kept
 */
export function createSnapshots(options: {
  dir: string;
  ttl: number;
  clock: Clock;
  fence: Fence;
}): SnapshotFiles {
  const { dir, ttl, clock, fence } = options;
  /** By key, oldest first. */
  const known = new Map<string, Kept>();
  const old = (madeAt: number) => clock.now() - madeAt > ttl * 1000;
  const forget = async (kept: Kept) => {
    if (known.get(kept.key) === kept) known.delete(kept.key);
    await shred(join(dir, kept.name), fence);
  };
  const makeRoom = async (bytes: number) => {
    const all = [...known.values()];
    let sum = all.reduce((total, kept) => total + kept.bytes, bytes);
    for (const kept of all) {
      if (sum <= mostBytes && !old(kept.madeAt)) return;
      sum -= kept.bytes;
      await forget(kept);
    }
  };
  return {
    identityOf(key) {
      const kept = known.get(key);
      return kept === undefined || old(kept.madeAt) ? null : kept.identity;
    },
    async read(key) {
      const kept = known.get(key);
      if (kept === undefined) return null;
      const text = await readText(join(dir, kept.name), kept.bytes);
      return text !== null && sha256(text) === kept.sha256 ? text : null;
    },
    async keep(key, identity, text) {
      const bytes = Buffer.from(text);
      await makeRoom(bytes.length);
      const madeAt = clock.now();
      const name = `s_${madeAt}_${randomBytes(8).toString('hex')}.txt`;
      fence();
      await ensureRealDir(dir);
      await writeNew(join(dir, name), bytes);
      const before = known.get(key);
      known.delete(key);
      known.set(key, { key, identity, name, madeAt, sha256: sha256(text), bytes: bytes.length });
      if (before !== undefined) await shred(join(dir, before.name), fence);
    },
    async cleanSnapshots() {
      for (const kept of [...known.values()]) if (old(kept.madeAt)) known.delete(kept.key);
      let cleaned = 0;
      for (const name of await namesIn(dir)) {
        const madeAt = ours.exec(name)?.[1];
        // A time that is yet to come was left by a clock that has been set back since.
        const future = Number(madeAt) > clock.now() + 60_000;
        if (madeAt === undefined || !(old(Number(madeAt)) || future)) continue;
        if (await shred(join(dir, name), fence)) cleaned += 1;
      }
      return cleaned;
    },
  };
}

async function writeNew(path: string, bytes: Buffer): Promise<void> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(error, 'a snapshot');
  }
}

async function readText(path: string, bytes: number): Promise<string | null> {
  try {
    const handle = await open(path, readOnly);
    try {
      const found = await handle.stat();
      return found.isFile() && found.size === bytes ? decodeText(await handle.readFile()) : null;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null;
    throw storageError(error, 'a snapshot');
  }
}

/** Overwrites a file and unlinks it. @returns false if it was gone already */
async function shred(path: string, fence: Fence): Promise<boolean> {
  fence();
  try {
    const handle = await open(path, constants.O_WRONLY | constants.O_NONBLOCK | noFollow);
    try {
      await overwrite(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    // Not a file that we can write to: it is only unlinked.
    if (!hasCode(error, 'ELOOP', 'EISDIR', 'ENXIO', 'EACCES', 'EPERM'))
      throw storageError(error, 'a snapshot');
  }
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EISDIR', 'EPERM')) return false;
    throw storageError(error, 'a snapshot');
  }
}

/** Another name for the same file leads to something that is not ours: it keeps its contents. */
async function overwrite(handle: FileHandle): Promise<void> {
  const found = await handle.stat();
  if (!found.isFile() || found.nlink !== 1) return;
  for (let at = 0; at < found.size; at += zeros.length)
    await handle.write(zeros, 0, Math.min(zeros.length, found.size - at), at);
  await handle.datasync();
}
