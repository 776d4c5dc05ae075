import { constants, lstatSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import type { AuditFile, AuditHead, Logger } from '../core/ports.ts';
import { hasCode } from '../core/system-error.ts';
import { auditFiles, firstSeqOf, lastLineIn, nameOf, openToRead, tailOf } from './audit-read.ts';
import { ensureRealDir, type Fence, noFollow, storageError, syncDir } from './files.ts';
import type { LedgerFiles } from './ledger.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { createQueue } from './queue.ts';
import { lengthOfWholeLines, linesOf, readRange } from './tail.ts';

/** Bytes from which on the next entries go to a new file. */
export const rotateBytes = 5 * 2 ** 20;

interface OpenFile {
  path: string;
  handle: FileHandle;
  ino: number;
  /** Bytes of lines that were synced. What lies behind them is not part of the audit. */
  length: number;
  /** Lines that could not be taken back lie behind `length`. */
  spoilt: boolean;
  /** Lines are being written behind `length`. */
  busy: boolean;
  /** What the ledger witnessed before that: while they are being written, it may tell of them already. */
  witnessed: AuditHead | null;
}

/**
 * Opens the audit files of a data directory: `audit-<number of its first entry>.jsonl`, the highest one grows.
 *
 * When the growing file was deleted, replaced, cut or added to by others, writing goes on in a new file that is named
 * after the next entry. The old one is left as it was found, so that `verify` shows what happened: refusing to write
 * would let anyone who can write in the workspace stop every mutation, and appending to a foreign tail could hide it.
 * A file that already has the new one's name is not ours, and is moved to quarantine.
 *
 * @param options.dir `<dataDir>/ops/audit`
 * @param options.maxBytes after which it rotates; {@link rotateBytes} if left out
 */
export async function openAuditFile(options: {
  dir: string;
  ledger: Pick<LedgerFiles, 'head'>;
  fence: Fence;
  maxBytes?: number;
  logger?: Logger;
}): Promise<AuditFile & { close(): Promise<void> }> {
  const { dir, ledger, fence, maxBytes = rotateBytes, logger } = options;
  const quarantine = createQuarantine({
    dir: join(dirname(dir), 'quarantine'),
    label: 'quarantine',
    fence,
    ...(logger === undefined ? {} : { logger }),
  });
  const queue = createQueue();
  fence();
  await ensureRealDir(dir);
  let file = await openLast(dir, quarantine, fence);
  let closed = false;

  /** The file to append to: the one that grows, or a new one. */
  const fileFor = async (firstSeq: number): Promise<OpenFile> => {
    if (file?.spoilt) await takeBack(file);
    if (file !== null && file.length < maxBytes && isAsWeLeftIt(file)) return file;
    await file?.handle.close();
    file = null;
    file = await createFile(join(dir, nameOf(firstSeq)), quarantine);
    return file;
  };
  /**
   * How much of a file is lines. Of the one that grows only what was synced, if something was written meanwhile: no
   * half-written line is seen, and nobody who reads waits for a disk that does not take a line.
   */
  const sizeOf = async (handle: FileHandle) => {
    const [growing, busy, length] = [file, file?.busy ?? false, file?.length ?? 0];
    const { ino, size } = await handle.stat();
    if (growing === null || growing.ino !== ino) return size;
    const wrote = busy || growing.busy || growing.spoilt || growing.length !== length;
    return wrote ? length : size;
  };
  async function* linesFrom(from: number): AsyncIterable<string> {
    const paths = await auditFiles(dir);
    for (const [at, path] of paths.entries()) {
      const next = paths[at + 1];
      if (next !== undefined && firstSeqOf(next) <= from) continue;
      const handle = await openToRead(path);
      if (handle === null) continue;
      try {
        yield* linesOf(handle, await sizeOf(handle));
      } finally {
        await handle.close();
      }
    }
  }
  return {
    lastLine: () => queue(async () => lastLineIn(dir)),
    append: (lines, head) =>
      queue(async () => {
        if (lines.length === 0) return;
        fence();
        try {
          if (closed) throw new GimoError('audit_unavailable', 'The audit log is closed.');
          const target = await fileFor(head.seq - lines.length + 1);
          target.witnessed = await ledger.head.read();
          await appendWhole(target, lines, () => ledger.head.write(head));
        } catch (error) {
          throw unavailable(error);
        }
      }),
    lines: (from = 0) => linesFrom(from),
    tail: (most) => tailOf(dir, most),
    witnessed: async () => (file?.busy ? file.witnessed : ledger.head.read()),
    close: () =>
      queue(async () => {
        closed = true;
        await file?.handle.close();
        file = null;
      }),
  };
}

/* All or nothing: whatever fails on the way, the file is cut back to where it was. */
async function appendWhole(
  file: OpenFile,
  lines: readonly string[],
  witness: () => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  file.busy = true;
  try {
    await file.handle.appendFile(bytes);
    await file.handle.datasync();
    await witness();
    file.length += bytes.length;
  } catch (error) {
    await takeBack(file);
    throw error;
  } finally {
    file.busy = false;
  }
}

async function takeBack(file: OpenFile): Promise<void> {
  file.spoilt = true;
  await file.handle.truncate(file.length);
  file.spoilt = false;
}

const unavailable = (error: unknown): unknown => {
  if (GimoError.is(error, 'not_writer') || GimoError.is(error, 'audit_unavailable')) return error;
  if (!(GimoError.is(error) || hasCode(error))) return error;
  const mapped = storageError(error, 'the audit log');
  if (GimoError.is(mapped, 'storage_full')) return mapped;
  return new GimoError(
    'audit_unavailable',
    'The audit log cannot be written, so nothing was done. Check the audit folder of the data directory.',
    { cause: error },
  );
};

function isAsWeLeftIt(file: OpenFile): boolean {
  const found = lstatSync(file.path, { throwIfNoEntry: false });
  if (found === undefined || found.ino !== file.ino) return false;
  return found.size === file.length;
}

async function createFile(path: string, quarantine: Quarantine): Promise<OpenFile> {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    await quarantine.take(path, 'It had the name of an audit file that was yet to be made.');
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
  const handle = await open(path, flags, 0o600);
  try {
    await syncDir(dirname(path));
    const { ino } = await handle.stat();
    return { path, handle, ino, length: 0, spoilt: false, busy: false, witnessed: null };
  } catch (error) {
    // It is made again with the next entry, and must not be taken for somebody else's then.
    await handle.close();
    await rm(path, { force: true });
    throw error;
  }
}

/** Opens the file that grows, without a last line that was torn: that one was never told to anybody as written. */
async function openLast(
  dir: string,
  quarantine: Quarantine,
  fence: Fence,
): Promise<OpenFile | null> {
  const path = (await auditFiles(dir)).at(-1);
  if (path === undefined) return null;
  if (!lstatSync(path).isFile()) {
    await quarantine.take(path, 'It had the name of an audit file and is not a file.');
    return openLast(dir, quarantine, fence);
  }
  try {
    const handle = await open(path, constants.O_RDWR | constants.O_APPEND | noFollow);
    try {
      const { ino, size } = await handle.stat();
      const length = await lengthOfWholeLines(handle, size);
      if (length < size) await cutTornLine(handle, length, size, quarantine, fence);
      return { path, handle, ino, length, spoilt: false, busy: false, witnessed: null };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw storageError(error, 'the audit log');
  }
}

async function cutTornLine(
  handle: FileHandle,
  length: number,
  size: number,
  quarantine: Quarantine,
  fence: Fence,
): Promise<void> {
  const torn = await readRange(handle, length, size);
  await quarantine.keep('audit-torn-line.txt', torn, 'The last line of the audit was torn.');
  fence();
  await handle.truncate(length);
  await handle.sync();
}
