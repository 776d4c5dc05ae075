import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { Refusal } from '../messages.ts';

/** The name of the data directory itself, wherever it lies: so `gimo --root` finds it there as well. */
const dataDirName = '.orch_data';

/**
 * Reads the setting `gimo.dataDirectory`: a folder outside of what is opened, in which each opened folder has one of its
 * own. It may not lie in the opened folder, where agents can write.
 *
 * @param root the folder that is served, a real path
 * @returns the data directory of that folder, absolute. Rejects with a `Refusal` if the setting cannot be used
 */
export async function dataDirectoryOf(setting: unknown, root: string): Promise<string> {
  const text = typeof setting === 'string' ? setting.trim() : null;
  if (setting === undefined || setting === null || text === '') return path.join(root, dataDirName);
  if (text === null || !path.isAbsolute(text))
    throw unfit('has to be the whole path of a folder, such as /home/me/gimo');
  const base = await realFolder(text);
  if (base === null) throw unfit('names a folder that is not there. Make it first');
  const relative = path.relative(root, base);
  if (relative === '' || (!path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..'))
    throw unfit('must not name a folder in the one that is open, where agents can write');
  return path.join(base, nameOf(root), dataDirName);
}

/** Tells people which folder it is of, and no two folders share one. */
const nameOf = (root: string): string =>
  `${path.basename(root) || 'root'}-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;

async function realFolder(folder: string): Promise<string | null> {
  try {
    const real = await realpath(folder);
    return (await stat(real)).isDirectory() ? real : null;
  } catch (error) {
    // Whatever the reason, it cannot be used.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

const unfit = (why: string) =>
  new Refusal(
    `The setting gimo.dataDirectory ${why}, or leave it empty for .orch_data in the folder itself.`,
  );
