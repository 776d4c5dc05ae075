import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickArtifact } from './pickRecord.ts';

/**
 * Makes a new draft with the content of an approved artifact, and opens it for review: for one that can no longer run
 * as it was approved. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks
 */
export async function approveAgain(
  server: Server,
  reviews: Pick<ReviewPanels, 'open'>,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const id = givenId('approved', item) ?? (await pickArtifact(client, 'Approve Again', 'all'));
  if (id === null) return;
  const draft = await client.call('redraft', { approved_id: id });
  reviews.open({ kind: 'draft', id: draft.id });
}
