import * as vscode from 'vscode';
import type { TokenRole } from '../../core/principals.ts';
import { givenName } from '../control/node.ts';
import type { Server } from '../server/server.ts';
import { needsHost } from './needsHost.ts';

const choices = [
  { role: 'agent', detail: 'Reads and proposes drafts. For agents and MCP clients.' },
  { role: 'actions', detail: 'Reads what you let clients read. For ChatGPT Actions.' },
  { role: 'operator', detail: 'Besides, approves drafts that only ask a model, and runs.' },
  { role: 'admin', detail: 'May do everything that the API offers. For your own scripts only.' },
] as const;

/** Asks for a role, first the one that only proposes; undefined if the person picks none. */
export async function pickRole(title: string): Promise<TokenRole | undefined> {
  const items = choices.map(({ role, detail }) => ({ label: role, detail, role }));
  const picked = await vscode.window.showQuickPick(items, {
    title,
    placeHolder:
      'Who will use it? Give no more than is needed, and keep it as you keep a password.',
  });
  return picked?.role;
}

/**
 * Puts the token of a role into the clipboard.
 *
 * @param item a row of the control plane; without one a person picks
 */
export async function copyToken(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const given = givenName('token', item);
  const role = choices.find((one) => one.role === given)?.role ?? (await pickRole('Copy Token'));
  if (role === undefined) return;
  await vscode.env.clipboard.writeText(await host.token(role));
  vscode.window.showInformationMessage(`Copied the ${role} token for ${host.url}`);
}
