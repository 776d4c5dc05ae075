import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import { idPattern, LogEntry } from '../contract/records.ts';
import type { Logger, RunLogs } from '../core/ports.ts';
import { removeFile } from './atomic.ts';
import { type Fence, noFollow, parseJson, readText, storageError } from './files.ts';
import type { Quarantine } from './quarantine.ts';
import { createQueues } from './queue.ts';
import { lookAt } from './record-file.ts';
import { lengthOfWholeLines } from './tail.ts';

interface OpenLog {
  handle: FileHandle;
  ino: number;
  /** Bytes of whole lines. */
  length: number;
}

/** A log file beyond this many bytes is not read: what GIMO writes is far smaller. */
const maxLogBytes = 64 * 2 ** 20;

/**
 * The logs of live runs: `<id>.log.jsonl` beside the records, an entry a line, each file kept open while it grows.
 *
 * @param ours carries out a change in the folder that is shared with the records
 */
export function createRunLogs(options: {
  dir: string;
  ours: <R>(change: () => Promise<R>) => Promise<R>;
  fence: Fence;
  /** Takes what stands where a log belongs and is no file. */
  quarantine: Quarantine;
  logger: Logger;
}): RunLogs & { close(): Promise<void> } {
  const { dir, ours, fence, quarantine, logger } = options;
  const logs = new Map<string, OpenLog>();
  const queue = createQueues();
  let closed = false;
  const pathOf = (id: string) => join(dir, `${id}.log.jsonl`);

  const drop = async (id: string) => {
    const log = logs.get(id);
    logs.delete(id);
    await log?.handle.close();
  };
  const makeWay = async (id: string) => {
    const found = lookAt(pathOf(id));
    if (found !== null && !found.isFile())
      await quarantine.take(
        pathOf(id),
        'It stands where the log of a run belongs, and is no file.',
      );
  };
  const use = async (id: string): Promise<OpenLog> => {
    const log = logs.get(id);
    if (log !== undefined) {
      if (lookAt(pathOf(id))?.ino === log.ino) return log;
      await drop(id); // deleted or replaced by hand: what is appended must be seen
    }
    const opened = await ours(async () => {
      await makeWay(id);
      return openLog(pathOf(id));
    });
    logs.set(id, opened);
    return opened;
  };
  const append = async (id: string, entries: readonly LogEntry[]) => {
    fence();
    try {
      const log = await use(id);
      const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      try {
        await log.handle.appendFile(bytes);
        log.length += bytes.length;
      } catch (error) {
        await log.handle.truncate(log.length); // half a line must not become part of the next one
        throw error;
      }
    } catch (error) {
      throw storageError(error, 'the log of a run');
    }
  };
  return {
    async append(id, entries) {
      if (!idPattern.run.test(id)) throw new GimoError('internal', 'A run id has another form.');
      if (entries.length === 0) return;
      await queue(id, async () => {
        try {
          await append(id, entries);
        } finally {
          if (closed) await drop(id); // it came after the others were closed
        }
      });
    },
    async read(id) {
      const text = idPattern.run.test(id) ? await readText(pathOf(id), maxLogBytes) : null;
      if (text === null) return [];
      return entriesOf(text, (line) =>
        logger.log('warn', `Line ${line} of a log cannot be read and was left out.`, { run: id }),
      );
    },
    async remove(id) {
      if (!idPattern.run.test(id)) return;
      await queue(id, async () => {
        await drop(id);
        await ours(async () => {
          await makeWay(id);
          await removeFile(pathOf(id), fence);
        });
      });
    },
    async close() {
      closed = true;
      await Promise.all([...logs.keys()].map((id) => queue(id, () => drop(id))));
    },
  };
}

async function openLog(path: string): Promise<OpenLog> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | noFollow;
  const handle = await open(path, flags, 0o600);
  try {
    const { ino, size } = await handle.stat();
    const length = await lengthOfWholeLines(handle, size);
    if (length < size) await handle.truncate(length);
    return { handle, ino, length };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function entriesOf(text: string, unreadable: (line: number) => void): LogEntry[] {
  // What follows the last line end is empty, or a line that was torn.
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line, n) => {
    const entry = LogEntry.safeParse(parseJson(line)).data;
    if (entry === undefined) unreadable(n + 1);
    return entry ?? [];
  });
}
