import { visibleLine } from '../contract/visible.ts';
import { foldedName, withoutTail } from '../core/fold.ts';

/*
 * The rules of paths that need no look at a disk. They are the same on every system, as strict as the strictest: a
 * draft may be made on one and carried out on another, and a Linux folder may lie on a Windows disk.
 */

/** Why an edit does not touch a path. */
export class Refused extends Error {
  /** A sentence or two, without the path. */
  readonly why: string;
  constructor(why: string) {
    super(why);
    this.name = 'Refused';
    this.why = why;
  }
}

/** A path for people: nothing in it is hidden, and it stays on its line. */
export const named = (path: string): string => visibleLine(path);

const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/;
/** Folders in which no step does anything: git's hooks and settings, and what GIMO keeps. */
export const closedFolders: ReadonlySet<string> = new Set(['.git', '.orch_data']);
/* What Windows calls .git and .orch_data where it makes names of eight characters; the hashed form follows the fourth. */
const shortName = /^(?:git|gi[0-9a-f]{4}|orch_d|or[0-9a-f]{4})~\d+$/;

/**
 * The parts of a path of the workspace.
 * @throws Refused if an edit may not touch it, whatever stands there
 */
export function partsOf(path: string): string[] {
  if (!path.isWellFormed() || /\p{Cc}/u.test(path))
    throw new Refused('Its path holds characters that no path should hold.');
  if (path.startsWith('/') || /^[a-z]:/i.test(path))
    throw new Refused('Its path is absolute. Give it relative to the workspace.');
  if (path.includes('\\')) throw new Refused('Its path holds a backslash. Put / between folders.');
  const parts = path.split('/');
  for (const part of parts) {
    const why = refusedPart(part);
    if (why !== null) throw new Refused(why);
  }
  return parts;
}

function refusedPart(part: string): string | null {
  if (part === '..') return 'Its path leads upwards with "..".';
  if (part === '' || part === '.')
    return 'Its path has an empty part. Write it without // and /./.';
  if (part.includes(':')) return 'Its path holds a colon, which Windows takes for something else.';
  if (/[. ]$/.test(part))
    return 'A part of its path ends in a dot or a space, which Windows leaves out.';
  const plain = withoutTail(foldedName(part));
  if (device.test((plain.split('.')[0] ?? '').trimEnd()))
    return 'A part of its path is the name of a device on Windows.';
  if (closedFolders.has(plain) || shortName.test(plain))
    return 'It lies in .git or .orch_data, where edits change nothing.';
  return null;
}

/** Paths that are equal under this may be one file here. */
export function sameOnDisk(path: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32' && platform !== 'darwin') return path;
  // Upper case first: it brings together what lower case alone keeps apart, as ß and ss, or the two small sigmas.
  return path.normalize('NFKC').toUpperCase().toLowerCase();
}

/**
 * The paths of one step that get in each other's way: the same file twice, or a file where another needs a folder.
 * @returns for each, why
 */
export function collisions(
  paths: readonly string[],
  platform: NodeJS.Platform = process.platform,
): { path: string; why: string }[] {
  const seen = new Set<string>();
  const all = new Set(paths.map((path) => sameOnDisk(path, platform)));
  return paths.flatMap((path) => {
    const key = sameOnDisk(path, platform);
    const twice = seen.has(key);
    seen.add(key);
    if (twice) return { path, why: 'The step changes it twice.' };
    const parts = key.split('/');
    const above = parts.map((_, n) => parts.slice(0, n).join('/'));
    if (above.some((folder) => all.has(folder)))
      return { path, why: 'The step also has a file where this one needs a folder.' };
    return [];
  });
}
