import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff';
import type { Colour, Output } from './output.ts';

/** What is compared: the names stand above, null is what is not there. */
export interface Sides {
  before: { name: string; text: string | null };
  after: { name: string; text: string | null };
}

/** Lines that stay in sight around a change. */
const context = 3;
/** Texts that differ more than this are not sorted out: it would take too long, and nobody could read the result. */
const most = { maxEditLength: 5_000, timeout: 2_000 };

/**
 * Compares two texts.
 *
 * @returns the lines of a unified diff, without their ends; none if both are the same
 */
export function diffLines({ before, after }: Sides): string[] {
  if (before.text === after.text) return [];
  const [one, other] = [before.text ?? '', after.text ?? ''];
  const names = [before, after].map(({ name, text }) => (text === null ? '/dev/null' : name));
  const [old = '', now = ''] = names;
  const patch = structuredPatch(old, now, one, other, undefined, undefined, { context, ...most });
  const hunks = patch?.hunks ?? [wholeHunk(one, other)];
  const whole = { ...structuredPatch(old, now, '', ''), hunks };
  return formatPatch(whole, FILE_HEADERS_ONLY).replace(/\n$/, '').split('\n');
}

/** All that there was, and all that there is. */
function wholeHunk(one: string, other: string) {
  const [old, now] = [linesOf(one), linesOf(other)];
  return {
    oldStart: 1,
    oldLines: old.length,
    newStart: 1,
    newLines: now.length,
    lines: [...marked('-', old, one), ...marked('+', now, other)],
  };
}

const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

const marked = (mark: string, lines: readonly string[], text: string) => [
  ...lines.map((line) => mark + line),
  ...(text === '' || text.endsWith('\n') ? [] : ['\\ No newline at end of file']),
];

const colours: Readonly<Record<string, Colour>> = {
  '-': 'red',
  '+': 'green',
  '@': 'cyan',
  '\\': 'dim',
};

/** Writes the lines of a diff, each behind its mark. Where all of them end with CRLF that is said once. */
export function showDiff(out: Output, lines: readonly string[]): void {
  const texts = lines.slice(2).filter((line) => /^[-+ ]/.test(line));
  const crlf = texts.length > 0 && texts.every((line) => line.endsWith('\r'));
  if (crlf) out.line({ text: 'All of these lines end with CRLF.', colour: 'dim' });
  for (const [at, line] of lines.entries()) {
    const text = crlf && at >= 2 ? line.replace(/\r$/, '') : line;
    out.marked(text.slice(0, 1), text.slice(1), at < 2 ? 'bold' : colours[text.slice(0, 1)]);
  }
}
