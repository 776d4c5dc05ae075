import type { OutsideChange } from '../../contract/rows/upkeep.ts';
import { sortedFields } from '../../contract/sorted.ts';
import { visibleJson } from '../../contract/visible.ts';

/* What was changed outside, as two texts to compare. */

/** Settings as text, their names in order, so that a diff shows what differs and nothing else. */
function settingsText(value: unknown): string {
  if (typeof value === 'string') return `${value}\n`;
  return `${visibleJson(sortedFields(value), 2)}\n`;
}

/** Both sides of a change. */
export const sidesOf = ({
  accepted,
  found,
}: OutsideChange): { accepted: string; found: string } => ({
  accepted: accepted === null ? 'Nothing was accepted yet.\n' : settingsText(accepted),
  found: found === null ? 'The file is gone.\n' : settingsText(found),
});
