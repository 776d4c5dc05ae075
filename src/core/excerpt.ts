/** Lines that are served of a file at once. */
const mostLines = 500;
/** Bytes that are served of a file or a diff, the marker not counted. */
export const mostBytes = 250_000;

/** The lines that were asked for, with a marker where a limit cut them short. */
export function linesOf(
  text: string,
  { start_line: first, end_line: wanted }: { start_line: number; end_line: number },
): string {
  const last = Math.min(wanted, first + mostLines - 1);
  const from = startOf(text, 0, first - 1);
  const to = startOf(text, from, last - first + 1);
  const part = text.slice(from, to);
  const shown = cutBytes(part, mostBytes);
  const cutByBytes = shown !== part;
  if (!cutByBytes && (last - first + 1 < mostLines || to >= text.length)) return part;
  // Whole lines, so that whoever goes on reading misses nothing; unless it is one line that is too long.
  const end = cutByBytes ? shown.lastIndexOf('\n') + 1 || shown.length : shown.length;
  const lines = shown.slice(0, end);
  const next = first + Math.max(1, countLines(lines));
  const line = lines.endsWith('\n') ? '' : '\n';
  return `${lines}${line}[truncated: the file goes on at line ${next}]\n`;
}

/** Where the line begins that stands so many lines further on; the end of the text if there are not as many. */
function startOf(text: string, from: number, lines: number): number {
  let at = from;
  for (let n = 0; n < lines; n += 1) {
    const end = text.indexOf('\n', at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at;
}

const countLines = (text: string) => text.split('\n').length - 1;

/** The beginning of a text that takes at most so many bytes of UTF-8, never half of a character. */
export function cutBytes(text: string, most: number): string {
  if (text.length * 3 <= most) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
