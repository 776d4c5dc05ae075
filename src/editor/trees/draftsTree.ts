import type { ViewBadge } from 'vscode';
import type { DraftListItem } from '../../contract/operations.ts';
import { viewIds } from '../ids.ts';
import { draftRow } from './draftRow.ts';
import type { Lists } from './listModel.ts';
import type { ListSpec } from './listView.ts';

/** What waits for a person, and what is done. */
export type DraftGroup = 'waiting' | 'settled';

const statuses = {
  waiting: ['draft'],
  settled: ['approved', 'rejected', 'error'],
} as const satisfies Record<DraftGroup, readonly DraftListItem['status'][]>;

export const waitingOf = (lists: Lists<DraftGroup, DraftListItem> | null): number =>
  lists?.get('waiting')?.total ?? 0;

export const draftsTree: ListSpec<DraftGroup, DraftListItem> = {
  viewId: viewIds.drafts,
  kind: 'draft',
  groups: [
    { name: 'waiting', title: 'Waiting' },
    { name: 'settled', title: 'Settled' },
  ],
  read: (client, { group, page }) =>
    client.answer('listDrafts', { view: 'summary', ...page, status: [...statuses[group]] }),
  concerns: ['draft'],
  idOf: ({ id }) => id,
  rowOf: draftRow,
  opens: (group, lists) => group === 'waiting' || waitingOf(lists) === 0,
  badge: (lists) => badgeOf(waitingOf(lists), lists?.get('waiting')?.counted ?? true),
};

function badgeOf(waiting: number, counted: boolean): ViewBadge | undefined {
  if (waiting === 0) return undefined;
  if (!counted) return { value: waiting, tooltip: `At least ${waiting} drafts wait for you` };
  const tooltip = waiting === 1 ? '1 draft waits for you' : `${waiting} drafts wait for you`;
  return { value: waiting, tooltip };
}
