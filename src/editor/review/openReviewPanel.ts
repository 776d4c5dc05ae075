import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import { needsHost } from '../commands/needsHost.ts';
import { Refusal } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { draftRow } from '../trees/draftRow.ts';
import type { ReviewPanels } from './panels.ts';
import { subjectOf } from './subject.ts';

/** How many drafts are offered: those that wait first, newest first. */
const most = 200;

/**
 * Shows a record in its panel: the one that the command was given, else a draft that a person picks.
 *
 * @param item a row of a tree, or `{kind, id}`
 */
export async function openReviewPanel(
  server: Server,
  panels: Pick<ReviewPanels, 'open'>,
  item: unknown,
): Promise<void> {
  const given = subjectOf(item);
  // Whoever clicks through a tree stays in the tree; who asks for the panel goes there.
  if (given !== null) {
    panels.open(given, { preserveFocus: true });
    // What tells that it waits would cover its buttons; the bell keeps it.
    await vscode.commands.executeCommand('notifications.hideToasts');
    return;
  }
  const host = await needsHost(server);
  if (host === null) return;
  const picked = await pickDraft(host.client);
  if (picked !== undefined) panels.open(picked);
}

async function pickDraft(client: Client): Promise<PanelSubject | undefined> {
  const list = (status: ('draft' | 'approved' | 'rejected' | 'error')[]) =>
    client.call('listDrafts', { view: 'summary', limit: most, status });
  const [waiting, settled] = await Promise.all([
    list(['draft']),
    list(['approved', 'rejected', 'error']),
  ]);
  const items = [...waiting, ...settled].slice(0, most).map((draft) => {
    const { label, description, icon } = draftRow(draft, Date.now());
    const iconPath = new vscode.ThemeIcon(icon.id, new vscode.ThemeColor(icon.color));
    return { label, description, iconPath, detail: draft.id, id: draft.id };
  });
  if (items.length === 0) throw new Refusal('There is no draft to review yet.');
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Open Review Panel',
    placeHolder: 'Which draft?',
    matchOnDescription: true,
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  return picked === undefined ? undefined : { kind: 'draft', id: picked.id };
}
