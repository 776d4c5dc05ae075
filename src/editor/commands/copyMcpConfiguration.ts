import * as vscode from 'vscode';
import type { McpClient } from '../agents/mcpConfiguration.ts';
import type { Server } from '../server/server.ts';
import { pickRole } from './copyToken.ts';
import { needsHost } from './needsHost.ts';

const title = 'Copy MCP Configuration';
const copyToken = 'Copy Token';
const clients: readonly { label: string; client: McpClient; description: string }[] = [
  { label: 'Claude Code', client: 'claudeCode', description: '.mcp.json' },
  { label: 'Claude Desktop', client: 'claudeDesktop', description: 'claude_desktop_config.json' },
  { label: 'Cursor', client: 'cursor', description: '~/.cursor/mcp.json' },
  { label: 'VS Code', client: 'vscode', description: '.vscode/mcp.json' },
];

/** Asks for a client and a role, and puts what the client has to be told of this server into the clipboard. */
export async function copyMcpConfiguration(server: Server): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const placeHolder = 'Which program will use GIMO?';
  const picked = await vscode.window.showQuickPick(clients, { title, placeHolder });
  if (picked === undefined) return;
  const role = await pickRole(title);
  if (role === undefined) return;
  const { mcpConfiguration } = await import('../agents/mcpConfiguration.ts');
  const token = await host.token(role);
  const { text, holdsToken, next } = mcpConfiguration(picked.client, host.url, token);
  await vscode.env.clipboard.writeText(text);
  const copied = `Copied the configuration for ${picked.label}.`;
  if (holdsToken) {
    vscode.window.showWarningMessage(
      `${copied} It holds the ${role} token: keep it as you keep a password. ${next}`,
    );
    return;
  }
  const answer = await vscode.window.showInformationMessage(`${copied} ${next}`, copyToken);
  if (answer === copyToken) await vscode.env.clipboard.writeText(token);
}
