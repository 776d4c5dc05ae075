import type { Undone } from '../contract/rows/runs.ts';
import { counted, oneLine } from './text.ts';

/** How many files a message names; more than that is not read in a notification. */
const mostNamed = 3;

/** What is asked before an undo, as a yes or no. */
export const undoQuestion = {
  question:
    'Each file that is still as the run left it becomes what it was before; one that the run made is deleted. Undo?',
  no: 'No, leave the files as they are',
  yes: 'Yes, put them back',
};

const files = (count: number) => counted(count, 'file');

/**
 * What a person is told after an undo.
 *
 * @returns the message, and whether it names every file that was left alone
 */
export function undoneMessage({ restored, left }: Undone): { message: string; all: boolean } {
  if (restored.length === 0 && left.length === 0)
    return { message: 'Nothing of this run was left to be put back.', all: true };
  const back =
    restored.length === 0
      ? 'No file was put back.'
      : `${files(restored.length)} ${restored.length === 1 ? 'is' : 'are'} as before the run.`;
  if (left.length === 0) return { message: back, all: true };
  const named = left
    .slice(0, mostNamed)
    .map(({ path, why }) => `${oneLine(path, 60)} (${oneLine(why, 120).replace(/\.$/, '')})`);
  const rest = left.length - named.length;
  const more = rest === 0 ? '' : `, and ${rest} more`;
  return {
    message: `${back} ${files(left.length)} ${left.length === 1 ? 'was' : 'were'} left alone: ${named.join(', ')}${more}.`,
    all: rest === 0,
  };
}
