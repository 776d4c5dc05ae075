import * as vscode from 'vscode';
import { Refusal } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { blockedReason } from '../trees/approvedRow.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickArtifact } from './pickRecord.ts';

/**
 * Runs what was approved. Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks among those that can run
 */
export async function runApprovedArtifact(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const id =
    givenId('approved', item) ?? (await pickArtifact(client, 'Run Approved Artifact', 'runnable'));
  if (id === null) return;
  const why = blockedReason(await client.call('getApproved', { approved_id: id }), Date.now());
  if (why !== null) throw new Refusal(why);
  await client.call('createRun', { approved_id: id });
  vscode.window.setStatusBarMessage('$(play) It runs; Runs shows how far it is.', 5000);
}
