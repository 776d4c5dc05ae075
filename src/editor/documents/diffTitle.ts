import { oneLine } from '../text.ts';
import type { FileChange } from './writes.ts';

/** What a title tells beside the change itself. */
interface Telling {
  /** Whether there is a file to compare with. */
  left: boolean;
  /** What the diff does not show. */
  notes: readonly string[];
  /** Whether all changes of the draft are in one step. */
  oneStep: boolean;
  /** The draft's revision, as it is told to people. */
  revision: string;
}

/** The title of a diff of one file: the name, what happens to it, what is compared, and what the diff does not show. */
export function diffTitle({ write, before }: FileChange, told: Telling): string {
  const { left, notes, oneStep, revision } = told;
  const file = oneLine(write.path, 80);
  const step = oneStep ? [] : [`step ${write.step + 1}`];
  const does = write.text === null ? ['deleted'] : left ? [] : ['new'];
  const facts = [...step, ...does, ...notes];
  const was = before !== null ? `after step ${before.step + 1}` : 'workspace';
  const sides = `${left ? was : 'nothing'} ↔ ${write.text === null ? 'nothing' : 'draft'}`;
  return `${file}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}: ${sides} (${revision})`;
}
