import * as vscode from 'vscode';
import { unchangedSince } from '../../client/unchanged.ts';
import { Refusal } from '../messages.ts';
import { originOf, withProvider } from '../models/providerChoices.ts';
import type { Server } from '../server/server.ts';
import { askForKey } from './askForKey.ts';
import { needsHost } from './needsHost.ts';

/** Asks for the key of a provider that needs one, and keeps it in the secret store. Rejects as the client does. */
export async function setProviderKey(server: Server): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const config = await client.call('getProvider', {});
  const items = Object.entries(config.providers).flatMap(([name, entry]) => {
    const origin = originOf(entry);
    if (origin === null) return [];
    const description = name === config.active ? `${entry.model} · active` : entry.model;
    return [{ label: name, description, detail: origin, name, entry, origin }];
  });
  // Most likely that of the one in use.
  items.sort((a, b) => Number(b.name === config.active) - Number(a.name === config.active));
  if (items.length === 0)
    throw new Refusal(
      'No provider here needs a key. Choose one with "GIMO: Choose Provider" first.',
    );
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Set Provider Key',
    placeHolder: 'Whose key?',
    matchOnDetail: true,
  });
  if (picked === undefined) return;
  const key = await askForKey(`Key of ${picked.name}`, picked.origin, false);
  if (key === undefined) return;
  // What was read is from before the questions; only the key may differ from what is there now.
  const seen = await client.answer('getProvider', {});
  const now = seen.body;
  const entry = now.providers[picked.name];
  if (entry === undefined || originOf(entry) !== picked.origin)
    throw new Refusal(
      `The provider "${picked.name}" was changed meanwhile, so its key was not set. Try again.`,
    );
  await client.call(
    'setProvider',
    withProvider(now, picked.name, { ...entry, api_key: key }, now.active),
    unchangedSince(seen),
  );
  vscode.window.setStatusBarMessage(`$(key) The key of ${picked.name} is set.`, 5000);
}
