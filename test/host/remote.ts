import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Person } from './person.ts';

/** Starts the server of the window, and takes a token of it, as a person would for a script of theirs. */
export async function takeToken(
  person: Person,
  role: 'agent' | 'operator' | 'admin',
): Promise<{ url: string; token: string }> {
  await vscode.commands.executeCommand('gimo.startServer');
  person.picks = role;
  await vscode.commands.executeCommand('gimo.copyToken');
  person.picks = undefined;
  const told = person.told.map(({ message }) => message).join('\n');
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(told) ?? [];
  if (url === undefined) throw new Error(`No token was copied: ${told}`);
  return { url, token: await vscode.env.clipboard.readText() };
}

/** Whether the editor tells of what begins to wait. */
export const notify = (wanted: boolean): Thenable<void> =>
  vscode.workspace
    .getConfiguration()
    .update('gimo.notifications', wanted, vscode.ConfigurationTarget.Global);

/** A client beside the window. What it proposes is not told to the person, whose answers are to other questions. */
export async function startRemote(
  person: Person,
  role: 'agent' | 'admin' = 'admin',
): Promise<Client> {
  await notify(false);
  const { url, token } = await takeToken(person, role);
  return createClient(httpTransport(url, token));
}
