import { isAbsolute, relative, sep } from 'node:path';

/** Whether a path is a folder or lies in it. Both are absolute; what links lead to is the caller's to find out. */
export function liesIn(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
