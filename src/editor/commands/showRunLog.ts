import type { RunLogDocuments } from '../runLogs.ts';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickRun } from './pickRecord.ts';

/**
 * Opens the log of a run, to be read and followed.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks
 */
export async function showRunLog(
  server: Server,
  logs: Pick<RunLogDocuments, 'show'>,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const given = givenId('run', item);
  const id = given ?? (await pickRun(host.client, 'Show Run Log', 'all'));
  // Whoever clicks through a tree stays in the tree.
  if (id !== null) await logs.show(id, given !== null);
}
