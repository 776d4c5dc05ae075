import { createHash } from 'node:crypto';
import type { LogEntry } from '../contract/records.ts';
import type { LogMark } from './ledger-ports.ts';

/** The most that a run's log holds: bytes as JSON, and entries. With its steps it has to fit into one record. */
export const mostLog = { bytes: 4 * 2 ** 20, entries: 50_000 };
/** Room beyond that for what GIMO itself says of the run: how it went on and ended must not be what is missing. */
const reserve = { bytes: 256 * 1024, entries: 1000 };

const cutLine = `The log has reached ${mostLog.bytes / 2 ** 20} MiB or ${mostLog.entries} lines, so further output is left out of it. The result of each step is kept whole.`;

/** The log of a live run. All of it is in memory (it is bounded), so that a look at it costs no look at the disk. */
export interface RunLog {
  /** The lines that were written; and those that the disk refused, which is told. */
  readonly entries: readonly LogEntry[];
  add(line: LogEntry): void;
  /** Whether output is left out from now on. */
  isCut(): boolean;
  /** Whether lines are waiting to be written. */
  busy(): boolean;
  /** Resolves when the lines so far are written, and those that came meanwhile. */
  written(): Promise<void>;
  /** What the entries so far are known by afterwards. */
  mark(): LogMark;
}

/**
 * @param before what was written before a restart
 * @param append writes lines; those that come while it does are written together, in one go
 * @param told is called after each write
 * @param lost is called if a write failed
 */
export function createRunLog(options: {
  before: readonly LogEntry[];
  append: (lines: readonly LogEntry[]) => Promise<void>;
  told: () => void;
  lost: (error: unknown) => void;
}): RunLog {
  const { append, told, lost } = options;
  const entries: LogEntry[] = [];
  const hash = createHash('sha256');
  const size = { bytes: 0, entries: 0 };
  let cut = false;
  let waiting: LogEntry[] = [];
  let writing: Promise<void> | null = null;

  const fits = (bytes: number, own: boolean) =>
    size.bytes + bytes <= mostLog.bytes + (own ? reserve.bytes : 0) &&
    size.entries < mostLog.entries + (own ? reserve.entries : 0);
  /** The line, or instead of the first that does not fit the one that says so, or none. */
  const admit = (line: LogEntry): LogEntry[] => {
    const own = line.step === undefined;
    if (cut && !own) return [];
    const bytes = Buffer.byteLength(JSON.stringify(line)) + 1;
    if (fits(bytes, own)) {
      size.bytes += bytes;
      size.entries += 1;
      if (own && line.msg === cutLine) cut = true;
      return [line];
    }
    if (own) return [];
    cut = true;
    return admit({ ts: line.ts, level: 'WARNING', msg: cutLine });
  };
  const keep = (line: LogEntry) => {
    entries.push(line);
    hash.update(marked(line));
  };
  const write = async () => {
    await null; // what is told in one go is written in one go
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        await append(lines);
      } catch (error) {
        lost(error);
      }
      for (const line of lines) keep(line);
      told();
    }
    writing = null;
  };
  for (const line of options.before) for (const admitted of admit(line)) keep(admitted);
  return {
    entries,
    add(line) {
      const admitted = admit(line);
      if (admitted.length === 0) return;
      waiting.push(...admitted);
      writing ??= write();
    },
    isCut: () => cut,
    busy: () => writing !== null,
    async written() {
      while (writing !== null) await writing;
    },
    mark: () => ({ entries: entries.length, sha256: hash.copy().digest('hex') }),
  };
}

/** What a log is known by afterwards. */
export function markOf(entries: readonly LogEntry[]): LogMark {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(marked(entry));
  return { entries: entries.length, sha256: hash.digest('hex') };
}

function marked(entry: LogEntry): string {
  const { ts, level, msg, step } = entry;
  return `${JSON.stringify([ts, level, msg, step, Object.keys(entry).length])}\n`;
}

/** Whether these lines are, or begin with, the ones that the mark was made of. */
export function beginsWith(entries: readonly LogEntry[], mark: LogMark): boolean {
  const found = markOf(entries.slice(0, mark.entries));
  return found.entries === mark.entries && found.sha256 === mark.sha256;
}

/** The line that stands before a log that is not what was written. */
export const changedOutside = (ts: string): LogEntry => ({
  ...{ ts, level: 'WARNING' },
  msg: 'The log of this run was changed outside GIMO, or lines of it were lost: the lines below are not what was written.',
});
