import type { Question } from '../../core/work.ts';
import { asRows, oneLine, visible } from '../text.ts';

/*
 * The words of what only a person may decide. Parts of them others have written: in a notification they must not turn
 * into a link, in a row not into an icon.
 */

/** How much of a prompt or title is shown, in characters. */
const most = 80;

/** What a notification says when more than one question is open. Always the same, so that a later one replaces it. */
export const severalAsk = 'Several requests wait for your decision in GIMO.';

/**
 * What a question asks, in one line.
 * @param title what the run of the question carries out, in words; null if nobody knows
 */
export function questionText(question: Question, title: string | null): string {
  const who = oneLine(question.actor, most);
  return withoutLinks(`${who} ${asks(question, title)}`);
}

function asks(question: Question, title: string | null): string {
  if (question.about === 'approve')
    return `asks to approve: ${oneLine(question.draft.prompt, most)}`;
  if (question.about === 'resume')
    return `asks to let run ${title === null ? question.run.id : `"${oneLine(title, most)}"`} go on.`;
  return 'asks to change who may approve or which programs may run.';
}

/** What would change, as rows that can be read whole. */
export const changeRows = (changes: readonly string[]): string[] =>
  changes.flatMap((change) => asRows(visible(change).replaceAll('\n', '\\n')));

/** The editor makes links of `[label](address)` in a notification. */
const withoutLinks = (text: string) => text.replaceAll('](', '] (');
