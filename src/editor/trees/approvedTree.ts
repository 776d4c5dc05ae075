import type { ApprovedListItem } from '../../contract/operations.ts';
import { viewIds } from '../ids.ts';
import { approvedRow } from './approvedRow.ts';
import type { ListSpec } from './listView.ts';

/** Whether an artifact can run hangs on the provider, and a run may use it up. */
export const approvedTree: ListSpec<'all', ApprovedListItem> = {
  viewId: viewIds.approved,
  kind: 'approved',
  groups: [{ name: 'all', title: 'All' }],
  read: (client, { page }) => client.answer('listApproved', { view: 'summary', ...page }),
  concerns: ['approved', 'provider', 'run'],
  idOf: ({ id }) => id,
  rowOf: approvedRow,
  opens: () => true,
};
