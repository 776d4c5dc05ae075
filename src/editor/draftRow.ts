import type { DraftListItem } from '../contract/operations.ts';
import { ageOf, fenced, oneLine, visible } from './text.ts';

/** How a draft looks in the tree, in words that do not need the editor. */
export interface DraftRow {
  label: string;
  description: string;
  icon: { id: string; color: string };
  /** Flags, between semicolons, for `when` clauses. */
  contextValue: string;
  /** Markdown in which nothing of the draft can act. */
  tooltip: string;
  /** What a screen reader says. */
  spoken: string;
}

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
export function draftRow(draft: DraftListItem, now: number): DraftRow {
  const { word, icon } = looks[draft.status];
  const age = ageOf(draft.created_at, now);
  const label = oneLine(draft.prompt, 120);
  const provider = draft.provider === null ? [] : [oneLine(draft.provider, 40)];
  return {
    label,
    description: [age.short, ...provider, word].join(' · '),
    icon,
    contextValue: `draft;${draft.status === 'draft' ? 'waiting' : 'settled'};${draft.status};`,
    tooltip: tooltipOf(draft, `**${word[0]?.toUpperCase()}${word.slice(1)}** (made ${age.long})`),
    spoken: [`${word} draft`, label, ...provider, age.long].join(', '),
  };
}

function tooltipOf(draft: DraftListItem, heading: string): string {
  const facts = [
    ['id', draft.id],
    ['created', draft.created_at],
    ['by', draft.created_by],
    ['from', draft.source],
    ['provider', draft.provider],
    ['approved as', draft.approved_id],
    ['reason', draft.reject_reason],
    ['error', draft.error],
  ].flatMap(([name, value]) =>
    name == null || value == null ? [] : [`${name.padEnd(12)}${visible(value)}`],
  );
  const prompt = draft.prompt_truncated === true ? `${draft.prompt}…` : draft.prompt;
  return `${heading}\n\n${fenced(prompt)}\n\n---\n\n${fenced(facts.join('\n'))}`;
}
