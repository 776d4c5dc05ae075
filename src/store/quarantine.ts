import type { Stats } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Logger, Quarantined } from '../core/ports.ts';
import { hasCode } from '../core/system-error.ts';
import { writeAtomic, writeNew } from './atomic.ts';
import { ensureRealDir, type Fence, namesIn, readText, storageError, syncDir } from './files.ts';
import { createQueue } from './queue.ts';
import { lookAt } from './record-file.ts';

/** Where files go that cannot be read: kept with the reason beside them, never deleted. */
export interface Quarantine {
  /** Moves a file here. @returns its new name, or null if it is gone already */
  take(path: string, reason: string): Promise<string | null>;
  /** Keeps a piece of a file here. @returns its name */
  keep(name: string, data: Uint8Array, reason: string): Promise<string>;
  /** What lies here now, each with its reason. */
  list(): Promise<Quarantined[]>;
}

const reasonEnd = '.reason.txt';

/**
 * Opens a quarantine directory.
 *
 * @param dir created when it is first needed
 * @param label what stands before a file's name in {@link Quarantine.list}
 * @param logger is told of every file that is moved
 */
export function createQuarantine(options: {
  dir: string;
  label: string;
  fence: Fence;
  logger?: Logger;
}): Quarantine {
  const { dir, label, fence, logger } = options;
  const queue = createQueue();
  let listed: { at: Stats; found: Quarantined[] } | null = null;

  const reserve = async (name: string, reason: string) => {
    fence();
    await ensureRealDir(dir);
    listed = null;
    const free = await reserveName(dir, name, reason);
    logger?.log('warn', `A file that cannot be read was moved aside: ${reason}`, { file: free });
    return free;
  };
  return {
    take: (path, reason) =>
      queue(async () => {
        const name = await reserve(basename(path), reason);
        try {
          fence();
          await rename(path, join(dir, name));
        } catch (error) {
          await rm(join(dir, name + reasonEnd), { force: true });
          if (hasCode(error, 'ENOENT')) return null;
          throw storageError(error, 'the quarantine');
        }
        await syncDir(dir);
        await syncDir(dirname(path));
        return name;
      }),
    keep: (name, data, reason) =>
      queue(async () => {
        const free = await reserve(name, reason);
        await writeAtomic(join(dir, free), data, { fence });
        return free;
      }),
    async list() {
      const at = lookAt(dir);
      if (at === null) return [];
      if (listed === null || listed.at.ctimeMs !== at.ctimeMs || justNow(at))
        listed = { at, found: await listDir(dir, label) };
      return [...listed.found];
    },
  };
}

/* Times have the grain of a clock tick: of what changed just now, more may change without another time. */
const justNow = (found: Stats) => Math.abs(Date.now() - found.ctimeMs) < 50;

/** The reason's file, made with `wx`, also reserves the name; so nothing that lies here is ever overwritten. */
async function reserveName(dir: string, name: string, reason: string): Promise<string> {
  for (let n = 0; ; n += 1) {
    const free = n === 0 ? name : `${name}.${n}`;
    if (await exists(join(dir, free))) continue;
    try {
      await writeNew(join(dir, free + reasonEnd), `${reason}\n`);
      return free;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw storageError(error, 'the quarantine');
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw storageError(error, 'the quarantine');
  }
}

async function listDir(dir: string, label: string): Promise<Quarantined[]> {
  const names = new Set(await namesIn(dir));
  const found: Quarantined[] = [];
  for (const name of [...names].sort()) {
    if (name.endsWith(reasonEnd) || name.endsWith('.tmp')) continue;
    const reason = names.has(name + reasonEnd) ? await readText(join(dir, name + reasonEnd)) : null;
    found.push({ file: `${label}/${name}`, reason: reason?.trim() ?? 'No reason was kept.' });
  }
  return found;
}
