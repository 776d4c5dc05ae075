import * as vscode from 'vscode';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';

/** Asks what should be done, proposes it, and shows the draft. Rejects as the client does. */
export async function newDraft(server: Server, reviews: Pick<ReviewPanels, 'open'>): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const prompt = await vscode.window.showInputBox({
    title: 'New Draft',
    prompt: 'What should be done? Nothing runs until you approve the draft.',
    placeHolder: 'For example: explain how the tests are started',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'Say in a few words what to do.' : undefined),
  });
  if (prompt === undefined) return;
  const { id } = await host.client.call('createDraft', { prompt });
  reviews.open({ kind: 'draft', id });
  vscode.window.setStatusBarMessage('$(check) The draft waits for your approval.', 5000);
}
