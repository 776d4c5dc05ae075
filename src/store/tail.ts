import type { FileHandle } from 'node:fs/promises';

const lineEnd = 0x0a;
const chunkBytes = 64 * 1024;

/**
 * Where the last line end before a position stands in a file.
 * @returns its offset, or -1 if there is none
 */
export async function lastLineEnd(handle: FileHandle, before: number): Promise<number> {
  for (let end = before; end > 0; ) {
    const start = Math.max(0, end - chunkBytes);
    const bytes = await readRange(handle, start, end);
    const at = bytes.lastIndexOf(lineEnd);
    if (at >= 0) return start + at;
    end = start;
  }
  return -1;
}

/** How many bytes of a file are whole lines; what follows them is a line that was torn. */
export async function lengthOfWholeLines(handle: FileHandle, size: number): Promise<number> {
  return (await lastLineEnd(handle, size)) + 1;
}

/** Reads the bytes from `start` up to `end`, or up to the end of the file. */
export async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.alloc(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** The most that is kept of a line, in bytes: a file with no line end must not fill the memory. */
const mostOfLine = 2 ** 20;

/**
 * The lines of the first `length` bytes of a file, without their ends; of a line that is far too long, its beginning.
 * Splits at line feeds only: other characters that some take for line ends may stand inside a JSON string.
 */
export async function* linesOf(handle: FileHandle, length: number): AsyncIterable<string> {
  let rest: Buffer[] = [];
  let kept = 0;
  for (let at = 0; at < length; at += chunkBytes) {
    const bytes = await readRange(handle, at, Math.min(length, at + chunkBytes));
    let start = 0;
    for (let end = bytes.indexOf(lineEnd); end >= 0; end = bytes.indexOf(lineEnd, start)) {
      if (kept < mostOfLine) rest.push(bytes.subarray(start, end));
      yield Buffer.concat(rest).toString('utf8');
      rest = [];
      kept = 0;
      start = end + 1;
    }
    if (start < bytes.length && kept < mostOfLine) {
      rest.push(bytes.subarray(start));
      kept += bytes.length - start;
    }
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}
