import type { LogEntry } from '../contract/records.ts';
import { visibleText } from '../contract/visible.ts';

/*
 * Words for what people read, made from text that anyone may have written: an agent, a repository, a model. It must
 * show as what it is, and never act as markup.
 */

/** Spells out what could hide or reorder what is read. A line end of Windows is a line end, and nothing hidden. */
export function visible(text: string): string {
  return visibleText(text.replaceAll('\r\n', '\n'));
}

/** The text in one line: white space becomes single spaces, and what is over `most` characters becomes an ellipsis. */
export function oneLine(text: string, most: number): string {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`;
}

/**
 * A Markdown code block (CommonMark 0.31, section 4.5) in which the text cannot act: neither links nor commands nor
 * HTML, and the fence is longer than any row of backticks in it.
 */
export function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}text\n${visible(text)}\n${fence}`;
}

/** Text that others wrote, for a label of the editor, which makes an icon of `$(name)`: a space keeps it from that. */
export const withoutIcons = (text: string): string => text.replaceAll('$(', '$ (');

/**
 * A text as rows of so many characters, whole: what does not fit into one goes on in the next. It is cut behind a space
 * where it can be. What is not Latin may take the room of two letters.
 */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let left = [...text];
  while (left.length > 0) {
    let room = width;
    let end = left.findIndex((character) => {
      room -= character > '\u00ff' ? 2 : 1;
      return room < 0;
    });
    const space = end === -1 ? -1 : left.lastIndexOf(' ', end - 1);
    if (end === -1) end = left.length;
    else if (space !== -1) end = space + 1;
    lines.push(`${lines.length === 0 ? '' : '┆ '}${left.slice(0, end).join('')}`);
    left = left.slice(end);
  }
  return lines;
}

/** As many characters as fit into a row of a list: the editor cuts longer ones. */
const rowLength = 80;

/** A text as rows of a list that can be read whole. */
export const asRows = (text: string): string[] => wrapped(text, rowLength);

/** How many of something there are: `1 file`, `2 files`, `3 entries`. */
export const counted = (count: number, what: string): string =>
  `${count} ${count === 1 ? what : what.endsWith('y') ? `${what.slice(0, -1)}ies` : `${what}s`}`;

/** The same of several things, without those of which there is none. */
export const countedSome = (...some: readonly (readonly [count: number, what: string])[]) =>
  some.flatMap(([count, what]) => (count === 0 ? [] : [counted(count, what)]));

const units = [
  { ms: 86_400_000, short: 'd', long: 'day' },
  { ms: 3_600_000, short: 'h', long: 'hour' },
  { ms: 60_000, short: 'min', long: 'minute' },
] as const;

/**
 * How long ago something was.
 *
 * @param since an instant in ISO 8601
 * @param now milliseconds since 1970
 * @returns `now` under a minute, else the largest whole unit, short to look at and long to be read out
 */
export function ageOf(since: string, now: number): { short: string; long: string } {
  const ms = now - Date.parse(since);
  if (Number.isNaN(ms)) return { short: 'undated', long: 'at an unknown time' };
  const unit = units.find((one) => ms >= one.ms);
  if (unit === undefined) return { short: 'now', long: 'just now' };
  const count = Math.floor(ms / unit.ms);
  return {
    short: `${count} ${unit.short}`,
    long: `${count} ${unit.long}${count === 1 ? '' : 's'} ago`,
  };
}

/**
 * How long something took, shortly: `40 ms`, `1.4 s`, `12 s`, `3 min`, `2 h`.
 *
 * @param from an instant in ISO 8601, or null if it has not begun
 * @param to the same for its end
 * @returns null unless both are known
 */
export function durationOf(from: string | null, to: string | null): string | null {
  if (from === null || to === null) return null;
  const ms = Math.max(0, Date.parse(to) - Date.parse(from));
  if (Number.isNaN(ms)) return null;
  if (ms < 1000) return `${ms} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const unit = units.find((one) => ms >= one.ms);
  return unit === undefined
    ? `${Math.round(ms / 1000)} s`
    : `${Math.floor(ms / unit.ms)} ${unit.short}`;
}

/** The log of a run as text: time, level and step before each message, whose further lines are indented. */
export function logLines(entries: readonly LogEntry[]): string {
  return entries
    .map(({ ts, level, msg, step }) => {
      const head = [ts, level.padEnd(5), ...(step === undefined ? [] : [`[${step}]`])].join(' ');
      return `${visible(head)} ${visible(msg).replaceAll('\n', '\n    ')}\n`;
    })
    .join('');
}
