/*
 * Answers to ChatGPT Actions stay under 100,000 characters: a client of theirs drops what is longer. What is left out is
 * said, and a record that is not shown whole loses its digest, so that nobody approves what they did not see.
 */

/** The most that is answered to Actions, in characters. */
export const mostCharacters = 99_000;

/** How long strings and lists of a record may be, tried in this order until it fits. */
const levels = [
  { string: 20_000, list: 1000 },
  { string: 5000, list: 300 },
  { string: 1000, list: 100 },
  { string: 200, list: 20 },
  { string: 50, list: 5 },
] as const;
type Level = (typeof levels)[number];

/**
 * A text that fits, in whole lines where there are any, with a word about what is missing.
 *
 * @param readOn says how to get at the rest, after so many lines
 */
export function fitText(
  text: string,
  most = mostCharacters,
  readOn: (lines: number) => string = () => 'ask for a smaller part',
): string {
  if (text.length <= most) return text;
  const start = wellCut(text, most - 200);
  const lines = start.slice(0, start.lastIndexOf('\n') + 1 || start.length);
  const count = lines.split('\n').length - 1;
  return `${lines}${lines.endsWith('\n') ? '' : '\n'}[truncated after ${count} lines: ${readOn(count)}]\n`;
}

/** How many of a list's records fit, from the first; at least one. */
export function fitting(records: readonly unknown[], most = mostCharacters): number {
  let room = most - 2;
  for (const [index, record] of records.entries()) {
    room -= JSON.stringify(record).length + 1;
    if (room < 0) return Math.max(1, index);
  }
  return records.length;
}

/** A value that fits as JSON: where it does not, long strings and lists in it are cut, and it says so. */
export function fitRecord(value: unknown, most = mostCharacters): unknown {
  if (Array.isArray(value)) return value.map((item) => fitRecord(item, most));
  if (JSON.stringify(value).length <= most) return value;
  for (const level of levels) {
    const short = marked(shortened(value, level));
    if (JSON.stringify(short).length <= most) return short;
  }
  return { answer_truncated: true };
}

function shortened(value: unknown, level: Level): unknown {
  if (typeof value === 'string')
    return value.length <= level.string
      ? value
      : `${wellCut(value, level.string)} [truncated: ${value.length - level.string} more characters]`;
  if (Array.isArray(value)) return value.slice(0, level.list).map((item) => shortened(item, level));
  if (typeof value !== 'object' || value === null) return value;
  // Names of fields may be anybody's too: of those of a context, say.
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, level.list)
      .map(([name, item]) => [wellCut(name, level.string), shortened(item, level)]),
  );
}

function marked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const digest = 'digest' in value ? { digest: null } : {};
  return { ...value, ...digest, answer_truncated: true };
}

/** The beginning of a text, without half of a surrogate pair at its end. */
function wellCut(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  return cut.isWellFormed() || !text.isWellFormed() ? cut : cut.slice(0, -1);
}
