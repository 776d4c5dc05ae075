import * as vscode from 'vscode';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';

/** What was typed and could not be proposed: it stands there when the command is given again. */
let unsent = '';

/** Asks what should be done, proposes it, and shows the draft. Rejects as the client does. */
export async function newDraft(server: Server, reviews: Pick<ReviewPanels, 'open'>): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const prompt = await vscode.window.showInputBox({
    title: 'New Draft',
    prompt: 'What should be done? Nothing runs until you approve the draft.',
    placeHolder: 'For example: explain how the tests are started',
    value: unsent,
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'Say in a few words what to do.' : undefined),
  });
  if (prompt === undefined) return;
  unsent = prompt;
  const { id } = await host.client.call('createDraft', { prompt });
  unsent = '';
  reviews.open({ kind: 'draft', id });
  vscode.window.setStatusBarMessage('$(check) The draft waits for your approval.', 5000);
}
