import { GimoError } from '../contract/errors.ts';
import { systemCode } from '../core/system-error.ts';
import type { FileVersion, OldVersions } from '../core/work.ts';
import { named, Refused } from './place.ts';
import { swap, sweep, tempsOf, unsaved } from './swap.ts';
import { type Ground, nameOf, onTheWay, standing } from './way.ts';

/*
 * Putting back what a step changed, from what was kept of it and what stands there alone: after a failure, after a
 * crash at any moment, and long after the run, it is the same work. It may be broken off and begun again.
 *
 * A folder that a step makes is kept as a version, too: its path ends in /, and it was nothing and will be nothing.
 */

/** What became of a file: `why` is null if it is as it was before the step. */
export interface PutBack {
  path: string;
  why: string | null;
  /** Whether something had to be done for it. */
  did: boolean;
  /** Whether nothing of the step is left there. */
  back: boolean;
}

/** A folder that a step makes, as it is kept. */
export const folderVersion = (path: string): FileVersion => ({
  ...{ path: `${path}/`, before: null, after: null },
});
const isFolder = ({ path }: Pick<FileVersion, 'path'>) => path.endsWith('/');

/**
 * Puts back the files of a step, the last first, where they are still as the step wrote them, and notes which are back:
 * what others make of those later is theirs.
 *
 * @param files as they were kept, or those that the step came to
 * @param untouched paths of those that it did not come to
 * @returns what became of each, in the order of `files`; nothing of those that were back already
 */
export async function restoreStep(
  ground: Ground,
  versions: Pick<OldVersions, 'read' | 'putBack'>,
  step: {
    runId: string;
    stepId: string;
    files: readonly FileVersion[];
    untouched?: readonly string[];
  },
): Promise<PutBack[]> {
  const { runId, stepId, files, untouched = [] } = step;
  const temps = { prefix: tempsOf(runId, stepId), swept: new Set<string>() };
  const done: PutBack[] = [];
  for (const file of files.filter((one) => !one.back).reverse()) {
    const read = () => versions.read(runId, stepId, file.path);
    const became = await attempt(file.path, () =>
      isFolder(file) ? removeFolder(ground, file.path) : restoreFile(ground, file, temps, read),
    );
    done.unshift(became);
  }
  const noted = await note(versions, { runId, stepId, untouched }, done);
  // Of folders only those are told that should be gone and are not.
  return noted.filter(({ path, why }) => !isFolder({ path }) || why !== null);
}

async function note(
  versions: Pick<OldVersions, 'putBack'>,
  { runId, stepId, untouched }: { runId: string; stepId: string; untouched: readonly string[] },
  done: PutBack[],
): Promise<PutBack[]> {
  const back = done.flatMap((one) => (one.back ? [one.path] : []));
  if (back.length + untouched.length === 0) return done;
  try {
    await versions.putBack(runId, stepId, [...back, ...untouched]);
    return done;
  } catch (error) {
    const why = `It is as it was before, but that could not be noted. ${whyOf(error)}`;
    return done.map((one) => (one.back && !isFolder(one) ? { ...one, why, back: false } : one));
  }
}

/** @param act tells whether it did something; null if the step's traces have to stay */
async function attempt(path: string, act: () => Promise<boolean | null>): Promise<PutBack> {
  try {
    const did = await act();
    return { path, why: null, did: did === true, back: did !== null };
  } catch (error) {
    return { path, why: whyOf(error), did: false, back: false };
  }
}

/** What went wrong with a file, in a sentence. What is no matter of files is thrown on. */
export function whyOf(error: unknown): string {
  if (error instanceof Refused) return error.why;
  if (GimoError.is(error)) return error.message;
  const code = systemCode(error);
  if (code === null) throw error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'There is no room left on the disk.';
  return `The file system refused it (${code}). Check the disk and the permissions.`;
}

/** @returns false if it is as it was already */
async function restoreFile(
  ground: Ground,
  file: FileVersion,
  temps: { prefix: string; swept: Set<string> },
  read: () => Promise<Uint8Array>,
): Promise<boolean> {
  const { path, before, after } = file;
  const now = await onTheWay(ground, path, null, async ({ folder }) => {
    if (folder === null) return null;
    if (!temps.swept.has(folder.id)) await sweep(ground, folder, temps.prefix);
    temps.swept.add(folder.id);
    return (await standing(ground.disk, folder, nameOf(path)))?.sha256 ?? null;
  });
  if (now === (before?.sha256 ?? null)) return false;
  if (now !== after)
    throw new Refused(now === null ? 'It was deleted since.' : 'It was changed since.');
  if (ground.isUnsaved(path)) throw unsaved();
  const next = before === null ? null : { bytes: await read(), mode: before.mode };
  const passage = { known: null, made: new Set<string>() };
  await swap(ground, { path, expected: after, next, passage, temps: temps.prefix });
  return true;
}

/** Removes a folder. @returns null if something is in it, which others may have put there */
async function removeFolder(ground: Ground, path: string): Promise<boolean | null> {
  const folderPath = path.slice(0, -1);
  return onTheWay(ground, folderPath, null, async ({ folder }) => {
    if (folder === null) return false;
    const at = folder.at(nameOf(folderPath));
    if (!(await ground.disk.look(at))?.isDirectory()) return false;
    ground.fence();
    try {
      await ground.disk.removeFolder(at);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) return null;
      throw error;
    }
    await folder.sync();
    return true;
  });
}

/** How many files are named in a sentence. */
const mostNamed = 20;

/** What became of the files of a step, in sentences. */
export function tell(became: readonly PutBack[]): string {
  const left = became.filter(({ why }) => why !== null);
  const back = became.filter(({ did }) => did).map(({ path }) => named(path));
  const told = left.slice(0, mostNamed).map(({ path, why }) => `Left: ${named(path)}. ${why}`);
  if (left.length > mostNamed) told.push(`Left besides: ${left.length - mostNamed} more.`);
  if (left.length === 0) told.push('Every file is as it was before the step.');
  if (back.length > 0) told.push(`Put back: ${listed(back)}.`);
  return told.join(' ');
}

function listed(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
