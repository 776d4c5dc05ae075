import path from 'node:path';

/* The list of what clients may read, as a person changes it: by files and folders of the Explorer. */

/** An entry as it is put: a path of the repository, and until when. */
export interface Entry {
  path: string;
  expires_at: string;
}

/**
 * A path as the list names it: relative to the folder, with slashes, `.` for the folder itself.
 *
 * @param root the folder that the server serves, absolute
 * @returns null of what does not lie in it
 */
export function repoPath(root: string, file: string): string | null {
  const relative = path.relative(root, file);
  if (relative === '') return '.';
  if (path.isAbsolute(relative) || relative.split(path.sep)[0] === '..') return null;
  return relative.split(path.sep).join('/');
}

/** The list with these paths until then, whatever it said of them before. */
export function withPaths(
  entries: readonly Entry[],
  paths: readonly string[],
  until: string,
): Entry[] {
  return [
    ...withoutPaths(entries, paths),
    ...[...new Set(paths)].map((one) => ({ path: one, expires_at: until })),
  ];
}

/** The list without these paths. */
export const withoutPaths = (entries: readonly Entry[], paths: readonly string[]): Entry[] =>
  entries
    .filter((entry) => !paths.includes(entry.path))
    .map(({ path: at, expires_at }) => ({ path: at, expires_at }));

/** The entry that lets a path be read although it is not listed itself: a folder that it lies in; null if none does. */
export function coveredBy(entries: readonly Entry[], file: string): string | null {
  const found = entries.find(
    (entry) => entry.path !== file && (entry.path === '.' || file.startsWith(`${entry.path}/`)),
  );
  return found?.path ?? null;
}
