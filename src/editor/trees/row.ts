import { fenced, visible } from '../text.ts';

/** How a record looks in a tree, in words that do not need the editor. */
export interface Row {
  label: string;
  description: string;
  /** A codicon, and the theme colour that tells its state. */
  icon: { id: string; color: string };
  /** Flags, between semicolons, for `when` clauses. */
  contextValue: string;
  /** Markdown in which nothing of the record can act. */
  tooltip: string;
  /** What a screen reader says. */
  spoken: string;
}

/** A line of a tooltip; it is left out without a value. */
export type Fact = readonly [name: string, value: string | null | undefined];

/**
 * A tooltip.
 *
 * @param heading words of our own, in Markdown
 * @param text what others wrote, in full
 * @param facts what is known besides; also what others wrote
 */
export function tooltipOf(heading: string, text: string | null, facts: readonly Fact[]): string {
  const lines = facts.flatMap(([name, value]) =>
    value == null ? [] : [`${name.padEnd(12)}${visible(value)}`],
  );
  const parts = [heading, ...(text === null ? [] : [fenced(text), '---'])];
  return [...parts, ...(lines.length === 0 ? [] : [fenced(lines.join('\n'))])].join('\n\n');
}

/** A word of ours at the start of a sentence. */
export const capital = (word: string): string =>
  `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
