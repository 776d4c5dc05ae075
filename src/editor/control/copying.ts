import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { needsHost } from '../commands/needsHost.ts';
import { Refusal, toldMs } from '../messages.ts';
import { publicUrl } from '../server/startHost.ts';
import type { ControlParts } from './parts.ts';

/** Puts the address of the API into the clipboard; where there are two, a person picks. */
export async function copyApiAddress({ server }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const outside = publicUrl();
  const address = outside === null ? host.url : await picked(host.url, outside);
  if (address === undefined) return;
  await vscode.env.clipboard.writeText(address);
  vscode.window.setStatusBarMessage(`$(copy) Copied ${address}`, toldMs);
}

async function picked(here: string, outside: string): Promise<string | undefined> {
  const chosen = await vscode.window.showQuickPick(
    [
      { label: here, detail: 'For programs on this computer.' },
      { label: outside, detail: 'For clients outside, through your tunnel.' },
    ],
    { title: 'Copy API Address', placeHolder: 'Who will call it?' },
  );
  return chosen?.label;
}

const documents = [
  { label: 'All Operations', detail: 'Everything that the API offers.', which: undefined },
  {
    label: 'For ChatGPT Actions',
    which: 'actions',
    detail: 'What it can import, for the agent token: reading and proposing, in short answers.',
  },
] as const;

/**
 * The document as a client with the token of an agent gets it: it tells what whoever asks may call, and a GPT is not to
 * have more than that. Asked over HTTP by hand, as the client with all of its schemas is not loaded here.
 */
async function forActions(host: Served): Promise<{ paths: object }> {
  const headers = { authorization: `Bearer ${await host.token('agent')}` };
  const answer = await fetch(`${host.url}/ops/openapi.json?for=actions`, { headers });
  const document: unknown = await answer.json();
  if (!answer.ok) throw new Refusal(String(Object(document).detail));
  return { ...Object(document), paths: Object(Object(document).paths) };
}

/** Puts the OpenAPI document into the clipboard. Rejects as the client does. */
export async function copyOpenApiDocument({ server }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const chosen = await vscode.window.showQuickPick([...documents], {
    ...{ title: 'Copy OpenAPI Document', placeHolder: 'For whom?' },
  });
  if (chosen === undefined) return;
  const document = await (chosen.which === undefined
    ? host.client.call('getOpenApi', {})
    : forActions(host));
  await vscode.env.clipboard.writeText(`${JSON.stringify(document, null, 2)}\n`);
  const count = Object.keys(document.paths).length;
  vscode.window.setStatusBarMessage(
    `$(copy) Copied the OpenAPI document with ${count} paths.`,
    toldMs,
  );
}
