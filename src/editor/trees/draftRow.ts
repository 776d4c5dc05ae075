import type { DraftListItem } from '../../contract/operations.ts';
import { ageOf, oneLine } from '../text.ts';
import { capital, type Row, tooltipOf } from './row.ts';

const looks = {
  draft: { word: 'waiting', icon: { id: 'circle-large-outline', color: 'charts.yellow' } },
  approved: { word: 'approved', icon: { id: 'pass-filled', color: 'testing.iconPassed' } },
  rejected: { word: 'rejected', icon: { id: 'circle-slash', color: 'disabledForeground' } },
  error: { word: 'error', icon: { id: 'error', color: 'list.errorForeground' } },
} as const satisfies Record<DraftListItem['status'], unknown>;

/**
 * Turns a draft into a row.
 *
 * @param now milliseconds since 1970, from which its age is counted
 */
export function draftRow(draft: DraftListItem, now: number): Row {
  const { word, icon } = looks[draft.status];
  const age = ageOf(draft.created_at, now);
  const label = oneLine(draft.prompt, 120);
  const provider = draft.provider === null ? [] : [oneLine(draft.provider, 40)];
  const prompt = draft.prompt_truncated === true ? `${draft.prompt}…` : draft.prompt;
  return {
    label,
    // In a narrow side bar the end is cut off: that a draft waits, its group says already.
    description: (draft.status === 'draft'
      ? [age.short, ...provider, word]
      : [word, age.short, ...provider]
    ).join(' · '),
    icon,
    contextValue: `draft;${draft.status === 'draft' ? 'waiting' : 'settled'};${draft.status};`,
    tooltip: tooltipOf(`**${capital(word)}** (made ${age.long})`, prompt, [
      ['error', draft.error],
      ['reason', draft.reject_reason],
      ['id', draft.id],
      ['created', draft.created_at],
      ['by', draft.created_by],
      ['from', draft.source],
      ['provider', draft.provider],
      ['approved as', draft.approved_id],
    ]),
    spoken: [`${word} draft`, label, ...provider, age.long].join(', '),
  };
}
