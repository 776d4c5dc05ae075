import { lstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../core/system-error.ts';
import { namesIn, readOnly, storageError } from './files.ts';
import { lastLineEnd, lengthOfWholeLines, readRange } from './tail.ts';

/* How the files of the audit are called, and how they are read. */

const fileName = /^audit-\d{12}\.jsonl$/;
/** The number of the first entry in a file. */
export const firstSeqOf = (path: string) => Number(/(\d{12})\.jsonl$/.exec(path)?.[1]);
/** The name of the file whose first entry has this number. */
export const nameOf = (firstSeq: number) => `audit-${String(firstSeq).padStart(12, '0')}.jsonl`;

/** The paths of all of them, in the order of their entries. */
export async function auditFiles(dir: string): Promise<string[]> {
  const names = (await namesIn(dir)).filter((name) => fileName.test(name)).sort();
  return names.map((name) => join(dir, name));
}

/** @returns the last whole line; null if there is none */
export async function lastLineIn(dir: string): Promise<string | null> {
  for (const path of (await auditFiles(dir)).reverse()) {
    const handle = await openToRead(path);
    if (handle === null) continue;
    try {
      const { size } = await handle.stat();
      const end = await lastLineEnd(handle, size);
      if (end < 0) continue;
      const start = (await lastLineEnd(handle, end)) + 1;
      return (await readRange(handle, start, end)).toString('utf8');
    } finally {
      await handle.close();
    }
  }
  return null;
}

/** @returns null if the file is gone or is not a file */
export async function openToRead(path: string): Promise<FileHandle | null> {
  try {
    if (!lstatSync(path).isFile()) return null;
    return await open(path, readOnly);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP')) return null;
    throw storageError(error, 'the audit log');
  }
}

/** A line is a few hundred bytes; whatever is much longer did not come from us. */
const lineBytes = 2048;

/** The last whole lines, at most so many. */
export async function tailOf(dir: string, most: number): Promise<string[]> {
  let found: string[] = [];
  for (const path of (await auditFiles(dir)).reverse()) {
    if (found.length >= most) break;
    const handle = await openToRead(path);
    if (handle === null) continue;
    try {
      const { size } = await handle.stat();
      const end = await lengthOfWholeLines(handle, size);
      const start = Math.max(0, end - lineBytes * most);
      const lines = (await readRange(handle, start, end)).toString('utf8').split('\n');
      // The last piece is what follows the last line end: nothing; the first one may be half a line.
      found = [...lines.slice(start === 0 ? 0 : 1, -1), ...found];
    } finally {
      await handle.close();
    }
  }
  return found.slice(-most);
}
