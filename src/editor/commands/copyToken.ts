import * as vscode from 'vscode';
import type { Server } from '../server.ts';
import { needsHost } from './needsHost.ts';

const choices = [
  { role: 'agent', detail: 'Reads and proposes drafts. For agents and MCP clients.' },
  { role: 'actions', detail: 'Reads what you let clients read. For ChatGPT Actions.' },
  { role: 'operator', detail: 'Besides, approves drafts that only ask a model, and runs.' },
  { role: 'admin', detail: 'May do everything that the API offers. For your own scripts only.' },
] as const;

/** Asks for a role, and puts its token into the clipboard. */
export async function copyToken(server: Server): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const items = choices.map(({ role, detail }) => ({ label: role, detail, role }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Copy Token',
    placeHolder:
      'Who will use it? Give no more than is needed, and keep it as you keep a password.',
  });
  if (picked === undefined) return;
  await vscode.env.clipboard.writeText(host.token(picked.role));
  vscode.window.showInformationMessage(`Copied the ${picked.role} token for ${host.url}`);
}
