import * as vscode from 'vscode';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickRun } from './pickRecord.ts';

/**
 * Holds a run before its next step. It is a brake, so it asks nothing. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks among those that go on by themselves
 */
export async function pauseRun(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const id = givenId('run', item) ?? (await pickRun(host.client, 'Pause Run', 'going'));
  if (id === null) return;
  const { status } = await host.client.call('pauseRun', { run_id: id });
  const told =
    status === 'paused'
      ? 'The run is paused.'
      : 'The run pauses before its next step; the step that is under way comes to its end.';
  vscode.window.setStatusBarMessage(`$(debug-pause) ${told}`, 5000);
}
