/* Imports nothing: a thread of its own judges paths with this, and should be there at once. */

/** A path without empty and `.` parts; `.` for the repository itself. What leads out of it stays as it is. */
export function normalPath(path: string): string {
  if (/^[\\/]/.test(path)) return path;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 ? '.' : parts.join('/');
}

/** What of a repository is covered by the entries of an allowlist. */
export interface Cover {
  /** Whether this file or folder may be read. */
  covers(path: string): boolean;
  /** Whether a folder is covered, or may hold something that is. */
  mayHold(folder: string): boolean;
}

/**
 * @param entries normal paths; null covers everything
 */
export function createCover(entries: readonly string[] | null): Cover {
  if (entries === null || entries.includes('.')) return { covers: () => true, mayHold: () => true };
  const listed = new Set(entries);
  const above = new Set(entries.flatMap((entry) => ancestors(entry).slice(1)));
  const covers = (path: string) => ancestors(path).some((part) => listed.has(part));
  return {
    covers,
    mayHold: (folder) => folder === '.' || above.has(folder) || covers(folder),
  };
}

/** A path, its folder, the folder of that, and so on; without the repository itself. */
function ancestors(path: string): string[] {
  const found = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    found.push(path.slice(0, at));
  return found;
}
