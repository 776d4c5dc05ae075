import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Person } from './person.ts';

/** Starts the server of the window, and takes a token of it, as a person would for a script of theirs. */
export async function takeToken(
  person: Person,
  role: 'agent' | 'admin',
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

export async function startRemote(
  person: Person,
  role: 'agent' | 'admin' = 'admin',
): Promise<Client> {
  const { url, token } = await takeToken(person, role);
  return createClient(httpTransport(url, token));
}
