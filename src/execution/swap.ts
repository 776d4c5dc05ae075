import { randomBytes } from 'node:crypto';
import { sha256 } from '../core/hash.ts';
import { systemCode } from '../core/system-error.ts';
import type { Folder } from './disk.ts';
import { Refused } from './place.ts';
import { type Ground, nameOf, onTheWay, type Passage, standing } from './way.ts';

/** One file that is to be another. */
export interface Swap {
  path: string;
  /** SHA-256 of what has to stand there; null: nothing may. */
  expected: string | null;
  /** What shall stand there instead; null: nothing. `mode` is null for that of any new file. */
  next: { bytes: Uint8Array; mode: number | null } | null;
  passage: Omit<Passage, 'make'>;
  /** What the names of temp files begin with. */
  temps: string;
}

/** What the names of a step's temp files begin with, so that they are found after a crash. */
export function tempsOf(runId: string, stepId: string): string {
  return `.gimo-${sha256(JSON.stringify([runId, stepId])).slice(0, 16)}-`;
}

const tempEnd = '.tmp';

/**
 * Replaces a file, makes it or deletes it: a reader sees the one or the other, whenever the process dies. Durable when
 * it resolves. What is demanded of the place is looked at again right before the change.
 *
 * @throws Refused if the place is not as it has to be; then nothing has changed, but for folders that were made
 */
export async function swap(ground: Ground, what: Swap): Promise<void> {
  const { path, next, expected } = what;
  // Where something has to stand, a folder that is missing is no reason to make one.
  const passage = { ...what.passage, make: next !== null && expected === null };
  await onTheWay(ground, path, passage, async ({ folder, ids }) => {
    if (folder === null) throw changed();
    const target = folder.at(nameOf(path));
    if (next === null) {
      await recheck(ground, what, folder, ids);
      await ground.disk.unlink(target);
    } else {
      const temp = folder.at(`${what.temps}${randomBytes(16).toString('hex')}${tempEnd}`);
      try {
        await ground.disk.writeNew(temp, next.bytes, next.mode);
        await recheck(ground, what, folder, ids);
        if (expected === null) await place(ground, temp, target);
        else await ground.disk.rename(temp, target);
      } catch (error) {
        await discard(ground, temp);
        throw error;
      }
    }
    await folder.sync();
  });
}

/** Everything that may have changed since it was looked at: the folders on the way, the file, its editor, our right. */
async function recheck(ground: Ground, what: Swap, folder: Folder, ids: readonly string[]) {
  const same = { known: ids, made: new Set<string>(), make: false };
  await onTheWay(ground, what.path, same, async (again) => {
    if (again.folder === null) throw changed();
  });
  const found = await standing(ground.disk, folder, nameOf(what.path));
  if ((found?.sha256 ?? null) !== what.expected) throw changed();
  if (ground.isUnsaved(what.path)) throw unsaved();
  ground.fence();
}

/** What a file system answers that knows no second names. */
const noLinks = new Set([
  'EPERM',
  'EACCES',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EISDIR',
  'EINVAL',
  'EMLINK',
  'EXDEV',
]);

/** Gives a new file its name. A rename would replace a file that somebody has made there since the last look. */
async function place({ disk }: Ground, temp: string, target: string): Promise<void> {
  try {
    await disk.link(temp, target);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') throw changed();
    if (!noLinks.has(code)) throw error;
    return disk.rename(temp, target);
  }
  await disk.unlink(temp);
}

async function discard(ground: Ground, temp: string): Promise<void> {
  try {
    await ground.disk.unlink(temp);
  } catch (error) {
    // The first error is the one to tell, and what stays behind is swept when the step is put back.
    if (systemCode(error) === null) throw error;
  }
}

/** Removes temp files that a step left in a folder. */
export async function sweep({ disk, fence }: Ground, folder: Folder, temps: string): Promise<void> {
  let swept = false;
  for (const name of await disk.names(folder.path)) {
    if (!name.startsWith(temps) || !name.endsWith(tempEnd)) continue;
    const path = folder.at(name);
    if (!(await disk.look(path))?.isFile()) continue;
    fence();
    await disk.unlink(path);
    swept = true;
  }
  // Nobody looks for them again once the step counts as put back.
  if (swept) await folder.sync();
}

const changed = () => new Refused('It was changed, made or deleted meanwhile.');
export const unsaved = () =>
  new Refused('It is open in an editor with changes that are not saved. Save or revert them.');
