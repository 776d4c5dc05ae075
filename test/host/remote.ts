import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Person } from './person.ts';

/** Starts the server of the window, and takes its admin token, as a person would for a script of theirs. */
export async function startRemote(person: Person): Promise<Client> {
  await vscode.commands.executeCommand('gimo.startServer');
  person.picks = 'admin';
  await vscode.commands.executeCommand('gimo.copyToken');
  person.picks = undefined;
  const told = person.told.map(({ message }) => message).join('\n');
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(told) ?? [];
  if (url === undefined) throw new Error(`No token was copied: ${told}`);
  return createClient(httpTransport(url, await vscode.env.clipboard.readText()));
}
