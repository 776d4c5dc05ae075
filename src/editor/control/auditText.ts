import { visibleLine } from '../../contract/visible.ts';

/**
 * The audit as text: a line an entry, in columns. A line that is no entry stands as it is: it lies in the workspace, so it
 * may be anybody's text.
 */
export function auditText(lines: readonly string[]): string {
  return lines.map((line) => `${lineOf(line)}\n`).join('');
}

/** Columns before the target, and how wide they are. */
const columns = [
  ['seq', 7],
  ['ts', 24],
  ['outcome', 8],
  ['operation', 16],
  ['actor', 21],
] as const;

function lineOf(line: string): string {
  const entry = entryIn(line);
  if (entry === null) return `${' '.repeat(7)}  not an entry: ${visibleLine(line)}`;
  const cells = columns.map(([name, width]) => {
    const text = textOf(entry.get(name));
    return name === 'seq' ? text.padStart(width) : text.padEnd(width);
  });
  const target = textOf(entry.get('target'));
  const correlation = `(${textOf(entry.get('correlation_id'))})`;
  return [...cells, ...(target === '' ? [] : [target]), correlation].join('  ');
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? visibleLine(String(value)) : '';

/** The fields of an entry; null of a line that is none. */
function entryIn(line: string): ReadonlyMap<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return null;
    const fields = new Map<string, unknown>(Object.entries(value));
    const whole = ['ts', 'actor', 'operation', 'outcome'].every(
      (name) => typeof fields.get(name) === 'string',
    );
    return whole && typeof fields.get('seq') === 'number' ? fields : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
