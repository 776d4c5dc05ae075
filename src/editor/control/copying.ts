import * as vscode from 'vscode';
import { needsHost } from '../commands/needsHost.ts';
import { publicUrl } from '../startHost.ts';
import { type ControlParts, toldMs } from './parts.ts';

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
    detail: 'What an Actions client can import: reading, in short answers.',
  },
] as const;

/** Puts the OpenAPI document into the clipboard. Rejects as the client does. */
export async function copyOpenApiDocument({ server }: ControlParts): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const chosen = await vscode.window.showQuickPick([...documents], {
    ...{ title: 'Copy OpenAPI Document', placeHolder: 'For whom?' },
  });
  if (chosen === undefined) return;
  const document = await host.client.call(
    'getOpenApi',
    chosen.which === undefined ? {} : { for: chosen.which },
  );
  await vscode.env.clipboard.writeText(`${JSON.stringify(document, null, 2)}\n`);
  const count = Object.keys(document.paths).length;
  vscode.window.setStatusBarMessage(
    `$(copy) Copied the OpenAPI document with ${count} paths.`,
    toldMs,
  );
}
