import type { ApprovedListItem } from '../../contract/operations.ts';
import { ageOf, oneLine } from '../text.ts';
import { capital, type Row, tooltipOf } from './row.ts';

const looks = {
  runnable: { id: 'verified-filled', color: 'testing.iconPassed' },
  blocked: { id: 'lock', color: 'list.warningForeground' },
  spent: { id: 'archive', color: 'disabledForeground' },
} as const;

/**
 * Turns an approved artifact into a row.
 *
 * @param now milliseconds since 1970, from which its age is counted and by which it may have expired
 */
export function approvedRow(artifact: ApprovedListItem, now: number): Row {
  const why = blockedReason(artifact, now);
  const { consumed_by } = artifact;
  const state = why === null ? 'runnable' : consumed_by === null ? 'blocked' : 'spent';
  const age = ageOf(artifact.approved_at, now);
  const label = oneLine(artifact.prompt, 120);
  const named = artifact.provider_resolved;
  const provider = named === null ? [] : [oneLine(named.name, 40)];
  const prompt = artifact.prompt_truncated === true ? `${artifact.prompt}…` : artifact.prompt;
  return {
    label,
    // The state first: in a narrow side bar the end is cut off.
    description: [state, age.short, ...provider].join(' · '),
    icon: looks[state],
    contextValue: `approved;${state};`,
    tooltip: tooltipOf(`**${capital(state)}** (approved ${age.long})`, prompt, [
      ['blocked', why],
      ['id', artifact.id],
      ['approved', artifact.approved_at],
      ['by', artifact.approved_by],
      ['expires', artifact.expires_at],
      ['spent on', consumed_by],
      ['provider', named?.name],
      ['model', named?.model],
      ['goes to', named?.origin],
      ['draft', artifact.draft_id],
      ['digest', artifact.digest],
    ]),
    spoken: [`${state} artifact`, label, ...provider, `approved ${age.long}`].join(', '),
  };
}

/** Why no run can be made of it; an approval may have expired since the server was asked. */
export function blockedReason(artifact: ApprovedListItem, now: number): string | null {
  const { runnable, blocked_reason, expires_at } = artifact;
  if (!runnable) return blocked_reason ?? 'It cannot run.';
  const expired = expires_at !== null && Date.parse(expires_at) <= now;
  return expired ? 'This approval has expired. Approve the work again.' : null;
}
