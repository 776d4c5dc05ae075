import { join } from 'node:path';
import type { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { idPattern, type RecordKind } from '../contract/records.ts';
import type { Logger, Quarantined, Records } from '../core/ports.ts';
import { createSlicer } from '../core/slicer.ts';
import { removeFile, sweepTold, writeAtomic } from './atomic.ts';
import { ensureRealDir, type Fence } from './files.ts';
import { createFolder } from './folder.ts';
import { createNameIndex, createTagIndex, sortNames } from './names.ts';
import type { Quarantine } from './quarantine.ts';
import { createQueues } from './queue.ts';
import { createRecordCache } from './record-cache.ts';
import {
  deepFreeze,
  lookAt,
  maxRecordBytes,
  oddIn,
  type RecordFile,
  readRecordFile,
  type Stamp,
  sameStamp,
  stampAt,
} from './record-file.ts';
import { createSearch } from './record-search.ts';

/** One folder of records on disk. The records that it gives are frozen: change a copy. */
export interface RecordFolder<T> extends Records<T> {
  /** Carries out a change of our own in the folder beside its records, such as making a log. */
  ours<R>(change: () => Promise<R>): Promise<R>;
  /** Records that were left where they are: of a newer version, or that cannot be read for now. */
  leftAlone(): Quarantined[];
  /** Ends the work in the background. */
  close(): Promise<void>;
}

export interface RecordFolderOptions<T> {
  /** Made if it is missing. */
  dir: string;
  /** What stands before a file's name where it is told. */
  label: string;
  kind: RecordKind;
  schema: z.ZodType<T>;
  statusOf: (record: T) => string;
  /** What the newest of a kind is found by; null if by nothing. */
  tagOf?: (record: T) => string | null;
  fence: Fence;
  quarantine: Quarantine;
  logger: Logger;
}

/** Bytes of record files whose parsed form is kept, for each folder. */
const cacheBytes = 16 * 2 ** 20;
/** Folders up to this size are compared file by file whenever states matter; larger ones in the background. */
const smallFolder = 1000;
/** Milliseconds between two such comparisons: of counts, and of a large folder. */
const countsMs = 1000;
const largeMs = 30_000;

/**
 * Opens a folder of records. A list costs its page: names come from an index in memory, parsed records from a cache
 * that is asked by inode, change time and size, and states from an index. That is built when somebody first asks for
 * what only it tells, so that a start does not share its time with it.
 */
export async function openRecords<T extends { id: string }>(
  options: RecordFolderOptions<T>,
): Promise<RecordFolder<T>> {
  const { dir, label, kind, schema, statusOf, fence, quarantine, logger } = options;
  const tagOf = options.tagOf ?? (() => null);
  const index = createNameIndex();
  const tags = createTagIndex();
  const cache = createRecordCache<T>(cacheBytes);
  /** Of every record that was read: which file its state in the index is from. */
  const stamps = new Map<string, Stamp>();
  /** Records that were left where they are: of a newer version, or (`again`) that cannot be read for now. */
  const left = new Map<string, { stamp: Stamp; reason: string; again: boolean }>();
  const queue = createQueues();
  let swept = false;
  let closed = false;
  let comparing: Promise<void> | null = null;
  let comparedAt = Number.NEGATIVE_INFINITY;

  const pathOf = (id: string) => join(dir, `${id}.json`);
  const forget = (id: string) => {
    index.delete(id);
    tags.delete(id);
    cache.delete(id);
    stamps.delete(id);
    left.delete(id);
  };
  const folder = createFolder(dir, async (files, touched) => {
    if (!swept) await sweepTold(dir, logger, files);
    swept = true;
    const slice = createSlicer();
    const found = new Set<string>();
    for (const file of files) {
      const id = file.endsWith('.json') ? file.slice(0, -5) : '';
      if (idPattern[kind].test(id)) found.add(id);
      if (found.size % 1024 === 0) await slice();
    }
    for (const [n, id] of [...index.all(), ...left.keys()].entries()) {
      if (!found.has(id) && !touched.has(id)) forget(id);
      if (n % 1024 === 0) await slice();
    }
    const added = [...found].filter((id) => !index.has(id) && !left.has(id));
    // Ascending, so that each goes to the end of the index.
    for (const [n, id] of (await sortNames(added, slice)).entries()) {
      if (!touched.has(id)) index.set(id);
      if (n % 1024 === 0) await slice();
    }
  });
  /** @param how whether to `keep` it for the next reader, and whether its file is `settled`, so that a stamp tells */
  const remember = (
    id: string,
    stamp: Stamp,
    record: T,
    how: { keep: boolean; settled: boolean },
  ) => {
    const now = stampAt(pathOf(id));
    // Written anew while it was being read: what is known of the newer one must not be undone.
    if (now === null || !sameStamp(now, stamp)) return;
    left.delete(id);
    if (how.settled) stamps.set(id, stamp);
    else stamps.delete(id);
    if (how.settled && how.keep) cache.set(id, stamp, record);
    else cache.delete(id);
    index.set(id, statusOf(record));
    tags.set(id, tagOf(record));
  };

  const load = async (id: string): Promise<T | null> => {
    const stamp = stampAt(pathOf(id));
    if (stamp === null) {
      forget(id);
      return null;
    }
    const hit = cache.get(id, stamp);
    if (hit !== undefined) return hit;
    const before = left.get(id);
    if (before !== undefined && !before.again && sameStamp(before.stamp, stamp)) return null;
    return settle(id, await readRecordFile(pathOf(id), id, schema));
  };
  const settle = async (id: string, found: RecordFile<T>, keep = true): Promise<T | null> => {
    if (found.kind === 'ok') {
      remember(id, found.stamp, found.record, { keep, settled: found.settled });
      return found.record;
    }
    if (found.kind === 'unreadable') return setAside(id);
    const told = left.get(id)?.reason;
    forget(id);
    if (found.kind === 'missing') return null;
    left.set(id, { ...found, again: found.kind === 'refused' });
    if (told !== found.reason) logger.log('warn', found.reason, { file: `${label}/${id}.json` });
    return null;
  };
  /*
   * Looks once more in its turn: what was unreadable may have been half of what somebody is saving right now. A file that
   * was emptied for that stays where it is, or what is saved would go to where it was moved.
   */
  const setAside = (id: string) =>
    queue(id, async () => {
      const found = await readRecordFile(pathOf(id), id, schema);
      if (found.kind !== 'unreadable') return settle(id, found);
      if (isBeingSaved(pathOf(id))) {
        cache.delete(id);
        stamps.delete(id);
        left.set(id, { stamp: found.stamp, reason: beingSaved, again: true });
        return null;
      }
      await folder.ours(async () => {
        await quarantine.take(pathOf(id), found.reason);
        folder.touched(id);
        forget(id);
      });
      return null;
    });

  /** Reads every record whose file is not the one that the index knows. */
  const compare = async () => {
    await folder.rescan();
    const slice = createSlicer();
    // Of a large folder nearly all would have to make room again at once.
    const keep = index.size <= smallFolder;
    for (const id of index.all()) {
      if (closed) return;
      const known = stamps.get(id);
      if (known === undefined) await settle(id, await readRecordFile(pathOf(id), id, schema), keep);
      else if (!isAt(id, known)) await load(id);
      await slice();
    }
    for (const [id, { again }] of [...left]) if (again) await load(id);
    comparedAt = performance.now();
  };
  const isAt = (id: string, known: Stamp) => {
    const stamp = stampAt(pathOf(id));
    return stamp !== null && sameStamp(stamp, known);
  };
  const compareOnce = () => {
    comparing ??= compare().finally(() => {
      comparing = null;
    });
    return comparing;
  };
  const compareBehind = () => {
    compareOnce().catch((error: unknown) =>
      logger.log('error', `The folder ${label} could not be indexed: ${String(error)}`),
    );
  };
  const neverCompared = () => comparedAt === Number.NEGATIVE_INFINITY;
  /** Makes sure that every record's state is known, and as fresh as the size of the folder allows. */
  const statesKnown = async (maxAgeMs: number) => {
    const age = performance.now() - comparedAt;
    if (index.size <= smallFolder && age > maxAgeMs) {
      await comparing; // it may have passed by what has changed since it began
      return compareOnce();
    }
    if (neverCompared()) return compareOnce();
    await folder.refresh();
    if (age > largeMs) compareBehind();
    const slice = createSlicer();
    for (const id of index.unknown()) {
      await load(id);
      await slice();
    }
  };

  const search = createSearch({ index, load, statusOf, compare: compareOnce, neverCompared });

  await ensureRealDir(dir);
  await folder.refresh();
  return {
    async get(id) {
      const record = idPattern[kind].test(id) ? await load(id) : null;
      const before = left.get(id);
      if (record === null && before?.again) throw refused(id, before.reason);
      return record;
    },
    put: (record) =>
      queue(record.id, () =>
        folder.ours(async () => {
          const path = pathOf(checkedId(record.id, kind));
          const text = textOf(record, schema);
          await writeAtomic(path, text, { fence });
          folder.touched(record.id);
          const stamp = stampAt(path);
          const kept = deepFreeze(schema.parse(JSON.parse(text)));
          // A file of our own has a new inode, which nobody else can know so soon.
          if (stamp?.size === Buffer.byteLength(text))
            remember(record.id, stamp, kept, { keep: true, settled: true });
          else index.set(record.id);
        }),
      ),
    remove: (id) =>
      queue(id, () =>
        folder.ours(async () => {
          if (!idPattern[kind].test(id)) return;
          await removeFile(pathOf(id), fence);
          folder.touched(id);
          forget(id);
        }),
      ),
    async list({ limit, before, status }) {
      await folder.refresh();
      const soon = neverCompared() && index.size > smallFolder;
      if (status !== undefined && !soon) await statesKnown(0);
      else if (performance.now() - comparedAt > largeMs) compareBehind();
      const found = await search({ limit, before, status });
      // What came or went while it was read is not of this list.
      const whole = before === undefined && found.next === null;
      if (whole) return { ...found, total: found.records.length };
      const known = status === undefined || index.complete;
      return { ...found, total: known ? index.total(status) : null };
    },
    async ids() {
      await folder.refresh();
      return index.all();
    },
    async counts() {
      await statesKnown(countsMs);
      return index.counts();
    },
    async newest(wanted) {
      await statesKnown(countsMs);
      const found = new Map<string, T>();
      const slice = createSlicer();
      for (const tag of wanted) {
        const id = tags.newest(tag);
        const record = id === undefined ? null : await load(id);
        if (record !== null) found.set(tag, record);
        await slice();
      }
      return found;
    },
    ours: folder.ours,
    leftAlone: () => [...left].map(([id, { reason }]) => ({ file: `${label}/${id}.json`, reason })),
    async close() {
      closed = true;
      await comparing?.catch(() => undefined); // it was told to the log where it began
    },
  };
}

/** Milliseconds that an editor may take between emptying a file and writing it, on a machine that is busy. */
const savingMs = 2000;
const beingSaved =
  'It is empty, as a file is while somebody saves it. It was left where it is; save it again if it stays so.';
function isBeingSaved(path: string): boolean {
  const found = lookAt(path);
  return (
    found?.isFile() === true && found.size === 0 && Math.abs(Date.now() - found.mtimeMs) < savingMs
  );
}

/* Not that there is none: whoever asks for one record may try again. */
const refused = (id: string, why: string) =>
  new GimoError('storage_error', `The record ${id} cannot be read now. ${why} Then try again.`);

function checkedId(id: string, kind: RecordKind): string {
  if (idPattern[kind].test(id)) return id;
  throw new GimoError('internal', `A record of kind ${kind} was given an id of another form.`);
}

/* What could not be read again must not be written. */
function textOf<T>(record: T, schema: z.ZodType<T>): string {
  const parsed = schema.parse(record);
  const odd = oddIn(parsed);
  if (odd !== null)
    throw new GimoError(
      'storage_error',
      `The record holds what no record may hold. ${odd} Leave that out, then try again.`,
    );
  const text = `${JSON.stringify(parsed, null, 2)}\n`;
  if (Buffer.byteLength(text) > maxRecordBytes)
    throw new GimoError(
      'storage_error',
      'The record is larger than 64 MiB, which is the most that can be kept. Make it smaller.',
    );
  return text;
}
