/*
 * Words for what people read, made from text that anyone may have written: an agent, a repository, a model. It must
 * show as what it is, and never act as markup.
 */

/* Control characters other than tab and line end, and what turns the direction of text or does not show at all. */
const deceptive = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Replaces characters that could hide or reorder what is read by U+FFFD; line ends become `\n`. */
export function visible(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(deceptive, '\ufffd');
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
