import * as vscode from 'vscode';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickRun } from './pickRecord.ts';

/**
 * Stops a run. It is a brake, so it asks nothing. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks among the live ones
 */
export async function cancelRun(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const id = givenId('run', item) ?? (await pickRun(host.client, 'Cancel Run', 'live'));
  if (id === null) return;
  const { status } = await host.client.call('cancelRun', { run_id: id });
  const told =
    status === 'cancelled'
      ? 'The run is cancelled.'
      : 'The run ends as soon as its work has stopped.';
  vscode.window.setStatusBarMessage(`$(circle-slash) ${told}`, 5000);
}
