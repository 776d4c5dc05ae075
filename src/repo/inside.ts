import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { type Cover, normalPath } from '../core/cover.ts';
import { systemCode } from '../core/system-error.ts';
import { isDenied } from './denied.ts';
import { readOnly } from './flags.ts';

/*
 * The way to a file of the repository on behalf of a client. Synchronous, because it runs in a thread of its own. A
 * path is judged twice: as it was asked for, so that an answer tells nothing of what is not to be seen, and as where
 * it really leads, so that no link leads out of the repository or around the allowlist.
 */

/** Why something is not handed out. */
export const refusals = [
  'refused',
  'missing',
  'not_file',
  'not_dir',
  'too_large',
  'not_text',
] as const;
export type Refusal = (typeof refusals)[number];

/** Thrown inside the thread; it becomes an answer there. */
export class Refused extends Error {
  readonly why: Refusal;
  constructor(why: Refusal) {
    super(why);
    this.why = why;
  }
}

/** The most that a file may hold to be read, in bytes. */
const largestFile = 5 * 1_048_576;
/** How much of a file is looked at to tell whether it is text, in bytes. */
const headBytes = 8 * 1024;

/** Turns what the file system says of a path into a refusal; anything else comes back as it is. */
export function refusalOf(error: unknown): unknown {
  const code = systemCode(error) ?? '';
  // A path that is too long, or goes on behind a file, leads nowhere.
  if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL'].includes(code)) return new Refused('missing');
  if (['EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'EBUSY'].includes(code)) return new Refused('refused');
  return error;
}

/**
 * A path in its normal form (`.` for the repository itself).
 * @throws Refused `refused` for what is absolute, leads out, is denied or is written as no path of ours is
 */
export function checkedPath(path: string): string {
  const drive = sep === '\\' && path.includes(':');
  if (drive || path.includes('\\') || isDenied(path)) throw new Refused('refused');
  return normalPath(path);
}

/**
 * Where a path really leads, absolute.
 * @param path as {@link checkedPath} gave it
 * @throws Refused `missing`; `refused` where it leads out of the repository, to what is denied or not covered
 */
export function realPlace(root: string, path: string, allowed: (path: string) => boolean): string {
  const full = join(root, path);
  let real: string;
  try {
    real = realpathSync.native(full);
  } catch (error) {
    throw systemCode(error) === 'ENOENT' && hasLink(root, path)
      ? new Refused('refused')
      : refusalOf(error);
  }
  const inside = relative(root, real).replaceAll(sep, '/') || '.';
  if (isAbsolute(inside) || isDenied(inside) || !allowed(inside)) throw new Refused('refused');
  return real;
}

/** Whether a path that leads nowhere does so through a link: then it must not tell what lies at the other end. */
function hasLink(root: string, path: string): boolean {
  let full = root;
  for (const part of path.split('/')) {
    full = join(full, part);
    const found = lstatSync(full, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (found.isSymbolicLink()) return true;
  }
  return false;
}

/**
 * Opens a plain file and hands it to `use`. What was opened is what was judged: no link is followed at its end, and
 * where the file that is open really lies is asked again.
 *
 * @throws Refused
 */
export function withFile<T>(
  root: string,
  path: string,
  cover: Cover,
  use: (fd: number, stats: BigIntStats) => T,
): T {
  if (!cover.covers(path)) throw new Refused('refused');
  const real = realPlace(root, path, cover.covers);
  try {
    if (!lstatSync(real).isFile()) throw new Refused('not_file');
    const fd = openSync(real, readOnly);
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw new Refused('not_file');
      if (!liesAt(fd, stats, real)) throw new Refused('refused');
      return use(fd, stats);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Whether an open file is the one at this path. Somebody may have put a link into the way since the path was judged. */
function liesAt(fd: number, stats: BigIntStats, real: string): boolean {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === real;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error; // no /proc here
    }
  }
  const now = lstatSync(real, { bigint: true });
  return realpathSync.native(real) === real && now.ino === stats.ino && now.dev === stats.dev;
}

/** Names a version of a file: it changes when the file does. */
export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** @throws Refused `too_large`, `not_text` */
export function wholeText(fd: number, { size }: BigIntStats): string {
  if (size > BigInt(largestFile)) throw new Refused('too_large');
  return textOf(bytesOf(fd, Number(size)), false);
}

/** Whether a file begins like text. */
export function beginsLikeText(fd: number, { size }: BigIntStats): boolean {
  try {
    textOf(bytesOf(fd, headBytes), size > BigInt(headBytes));
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

function bytesOf(fd: number, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  let filled = 0;
  while (filled < most) {
    const read = readSync(fd, bytes, filled, most - filled, filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** @param cut whether the bytes may end inside a character */
function textOf(bytes: Buffer, cut: boolean): string {
  if (bytes.includes(0)) throw new Refused('not_text');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch (error) {
    if (error instanceof TypeError) throw new Refused('not_text');
    throw error;
  }
}
