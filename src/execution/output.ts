import { createLines } from './lines.ts';

/** The most that the log holds of a command's output: bytes of text, and lines. */
export const mostLogged = { bytes: 2 ** 20, lines: 20_000 };

const cutLine = `The command has written more than ${mostLogged.bytes / 2 ** 20} MiB or ${mostLogged.lines} lines, so further output is left out of the log.`;

/** What a command writes, on its way into the log. */
export interface Output {
  /** Takes what was written, in pieces that may end in the middle of a character. */
  stream(level: 'OUTPUT' | 'STDERR'): (chunk: Uint8Array) => void;
  /** The lines that have no end yet are as complete as they will be. */
  end(): void;
  /** All that was written so far, in bytes. */
  bytes(): number;
  /** Whether a part of it is left out of the log. */
  isCut(): boolean;
}

/**
 * Cuts a command's output into lines for the log, up to {@link mostLogged}; what comes after is counted, and kept
 * nowhere. What is not UTF-8 is shown as U+FFFD.
 */
export function createOutput(log: (level: string, line: string) => void): Output {
  let written = 0;
  let room = mostLogged.bytes;
  let lines = 0;
  /** There was a line too many. */
  let over = false;
  let cut = false;
  const streams: { breakOff(): void; end(): void }[] = [];

  const breakOff = () => {
    for (const stream of streams) stream.breakOff();
    cut = true;
    log('WARNING', cutLine);
  };
  const emit = (level: string, line: string) => {
    over = lines === mostLogged.lines;
    if (over) return;
    lines += 1;
    log(level, line.endsWith('\r') ? line.slice(0, -1) : line);
  };
  return {
    stream(level) {
      const decoder = new TextDecoder();
      const text = createLines((line) => emit(level, line));
      const take = (piece: string) => {
        const bytes = Buffer.from(piece);
        room -= bytes.length;
        // Half a character at the end is no matter: the word that it belongs to is dropped.
        text.push(room >= 0 ? piece : bytes.toString('utf8', 0, bytes.length + room));
        if (room < 0 || over) breakOff();
      };
      streams.push({
        breakOff: text.breakOff,
        end() {
          take(decoder.decode());
          if (!cut) text.end();
          if (!cut && over) breakOff();
        },
      });
      return (chunk) => {
        written += chunk.length;
        if (!cut) take(decoder.decode(chunk, { stream: true }));
      };
    },
    end() {
      for (const stream of streams) if (!cut) stream.end();
    },
    bytes: () => written,
    isCut: () => cut,
  };
}
