import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { jsonIssues } from '../contract/json.ts';
import { hasCode } from '../core/system-error.ts';
import { decodeText, openedNow, parseJson, readOnly, smallBytes, storageError } from './files.ts';

/** A record file beyond this many bytes is not read. */
export const maxRecordBytes = 64 * 2 ** 20;

/** What tells one content of a file from another without reading it. */
export interface Stamp {
  ino: number;
  ctimeMs: number;
  size: number;
}

const stampOf = (found: Stats): Stamp => ({
  ino: found.ino,
  ctimeMs: found.ctimeMs,
  size: found.size,
});

export const sameStamp = (a: Stamp, b: Stamp): boolean =>
  a.ino === b.ino && a.ctimeMs === b.ctimeMs && a.size === b.size;

/** The stamp of whatever stands at a path (of a link itself), or null if nothing does. */
export function stampAt(path: string): Stamp | null {
  try {
    const found = lookAt(path);
    return found === null ? null : stampOf(found);
  } catch (error) {
    if (isOfThisFile(error)) return noStamp;
    throw error;
  }
}

/** Of a file that cannot even be looked at. */
const noStamp: Stamp = { ino: -1, ctimeMs: -1, size: -1 };
/** Whether the disk failed for one file; what it says of a whole folder has other codes. */
const isOfThisFile = (error: unknown) =>
  GimoError.is(error) && hasCode(error.cause, 'EIO', 'EUCLEAN');

/**
 * What stands at a path (a link itself), or null if nothing does.
 * @throws GimoError `storage_error` when the disk fails, or a folder on the way is none any more
 */
export function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw storageError(error, basename(path));
  }
}

export type RecordFile<T> =
  | { kind: 'missing' }
  /** What is not settled was changed a moment ago, and may change again without another stamp to tell. */
  | { kind: 'ok'; record: T; stamp: Stamp; settled: boolean }
  /** Torn, of the wrong type, with the wrong id, a link: to be moved aside. */
  | { kind: 'unreadable'; reason: string; stamp: Stamp }
  /** The system does not let it be read: that says nothing about what it holds, and may pass. */
  | { kind: 'refused'; reason: string; stamp: Stamp }
  /** A record that says something this version has no word for: to be left where it is. */
  | { kind: 'newer'; reason: string; stamp: Stamp };

/**
 * Reads and checks a record's file. Follows no link and opens nothing but regular files.
 *
 * @returns the record, frozen all the way down, or what is wrong with its file
 * @throws GimoError `storage_error` when the disk fails or refuses: that says nothing about the record
 */
export async function readRecordFile<T extends { id: string }>(
  path: string,
  id: string,
  schema: z.ZodType<T>,
): Promise<RecordFile<T>> {
  let found: Stats | null;
  try {
    found = lookAt(path);
  } catch (error) {
    if (isOfThisFile(error)) return { kind: 'refused', reason: refusal, stamp: noStamp };
    throw error;
  }
  if (found === null) return { kind: 'missing' };
  const stamp = stampOf(found);
  const unreadable = (reason: string) => ({ kind: 'unreadable' as const, reason, stamp });
  try {
    if (found.isSymbolicLink()) return unreadable('It is a link, and links are not followed.');
    if (!found.isFile()) return unreadable('It is not a file.');
    if (found.size > maxRecordBytes)
      return unreadable(`It has ${found.size} bytes, more than the ${maxRecordBytes} of a record.`);
    const read = found.size <= smallBytes ? readSmall(path) : await readLarge(path);
    const { bytes, ...seen } = read;
    return { ...checkRecord(bytes, id, schema), ...seen };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'missing' };
    if (hasCode(error, 'ELOOP', 'ENXIO')) return unreadable('It is not a file.');
    // About this file and not about the disk: it must not keep the others from being listed.
    if (hasCode(error, 'EACCES', 'EPERM', 'EIO', 'EUCLEAN'))
      return { kind: 'refused', reason: refusal, stamp };
    throw storageError(error, `the record ${id}`);
  }
}

const refusal =
  'The system does not let it be read now. It was left where it is; check the disk and its permissions.';

/** Milliseconds, two of the longest ticks in which Linux notes when a file changed (100 Hz, jiffies; see time(7)). */
const twoTicksMs = 20;

/** What was seen of a file right before it was read. */
interface Seen {
  stamp: Stamp;
  settled: boolean;
}
const seenOf = (found: Stats): Seen => ({
  stamp: stampOf(found),
  settled: Date.now() - found.ctimeMs >= twoTicksMs,
});

const readSmall = (path: string): Seen & { bytes: Buffer } =>
  openedNow(path, (fd, found) => ({ ...seenOf(found), bytes: readFileSync(fd) }));

async function readLarge(path: string): Promise<Seen & { bytes: Buffer }> {
  const handle = await open(path, readOnly);
  try {
    const seen = seenOf(await handle.stat());
    return { ...seen, bytes: await handle.readFile() };
  } finally {
    await handle.close();
  }
}

/**
 * What no record may hold, since no digest can be made of it. A null character is odd too, but the Python service may have
 * written one.
 *
 * @param json parsed JSON
 * @returns a sentence on the first such thing, or null if there is none
 */
export function oddIn(json: unknown): string | null {
  return jsonIssues(json).find(({ type }) => type !== 'string_null')?.msg ?? null;
}

type Checked<T> =
  | { kind: 'ok'; record: T }
  | { kind: 'unreadable'; reason: string }
  | { kind: 'newer'; reason: string };

function checkRecord<T extends { id: string }>(
  bytes: Buffer,
  id: string,
  schema: z.ZodType<T>,
): Checked<T> {
  const text = decodeText(bytes);
  if (text === null) return { kind: 'unreadable', reason: 'It is not UTF-8 text.' };
  const json = parseJson(text);
  if (json === undefined)
    return { kind: 'unreadable', reason: 'It is not JSON, or only a part of it.' };
  const odd = oddIn(json);
  if (odd !== null)
    return { kind: 'unreadable', reason: `It holds what no record may hold. ${odd}` };
  const parsed = schema.safeParse(json);
  if (parsed.success) {
    if (parsed.data.id === id) return { kind: 'ok', record: deepFreeze(parsed.data) };
    return { kind: 'unreadable', reason: 'The id in it is not the name of the file.' };
  }
  const issue = parsed.error.issues[0];
  const at = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  if (z.object({ id: z.literal(id) }).safeParse(json).success && isNewer(parsed.error, json))
    return {
      kind: 'newer',
      reason: `A newer version of GIMO seems to have written it (unknown${at}). It was left where it is.`,
    };
  return {
    kind: 'unreadable',
    reason: `It is not a record of this kind: ${issue?.message ?? ''}${at}`,
  };
}

/* Records have no number of their form yet, which makes this the first. A form that breaks with it will have one. */
const Numbered = z.object({ version: z.number().gt(1) });

/*
 * Whether a newer version wrote a record: it says so, or all that is wrong with it is a word that this version does not
 * know (a state, a kind of step, a field of a step). A newer version may have added it, so the record is not broken,
 * only not ours to judge.
 */
function isNewer(error: z.ZodError, json: unknown): boolean {
  if (Numbered.safeParse(json).success) return true;
  return error.issues.every((issue) => {
    if (issue.code === 'unrecognized_keys') return true;
    if (issue.code === 'invalid_value') return typeof valueAt(json, issue.path) === 'string';
    if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return false;
    return typeof valueAt(json, issue.path) === 'string';
  });
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Freezes parsed JSON, so that a record which many callers share cannot be changed by one of them. */
export function deepFreeze<T>(value: T): T {
  const queue: unknown[] = [value];
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    if (typeof item !== 'object' || item === null || Object.isFrozen(item)) continue;
    Object.freeze(item);
    for (const inner of Object.values(item))
      if (typeof inner === 'object' && inner !== null) queue.push(inner);
  }
  return value;
}
