import type { OutsideChange } from '../../contract/rows/upkeep.ts';
import { visibleJson } from '../../contract/visible.ts';

/* What was changed outside, as two texts to compare. */

/** Settings as text, their names in order, so that a diff shows what differs and nothing else. */
function settingsText(value: unknown): string {
  if (typeof value === 'string') return `${value}\n`;
  return `${visibleJson(sorted(value), 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]): [string, unknown] => [name, inner]);
  return Object.fromEntries(
    fields
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

/** Both sides of a change. */
export const sidesOf = ({
  accepted,
  found,
}: OutsideChange): { accepted: string; found: string } => ({
  accepted: accepted === null ? 'Nothing was accepted yet.\n' : settingsText(accepted),
  found: found === null ? 'The file is gone.\n' : settingsText(found),
});
