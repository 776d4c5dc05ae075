import * as vscode from 'vscode';
import type { DraftListItem } from '../../contract/operations.ts';
import type { Served } from '../../http/served.ts';
import { commandIds } from '../ids.ts';
import { Refusal } from '../messages.ts';
import { ageOf, oneLine } from '../text.ts';
import { draftIdIn } from './draftId.ts';
import type { HostSource } from './source.ts';

const start = 'Start Server';

/** As many as a person would look through. */
const most = 200;

/** The server; where there is none, says so and offers to start it. */
export async function hostOrStart(source: HostSource): Promise<Served | null> {
  const host = source.host();
  if (host !== null) return host;
  const told = 'The GIMO server is not running in this window.';
  if ((await vscode.window.showInformationMessage(told, start)) !== start) return null;
  await vscode.commands.executeCommand(commandIds.startServer);
  return source.host();
}

/**
 * The draft that a command is about: the one that it was called with, else one that a person picks.
 *
 * @param called what the command was called with: an id, a row of a tree, or nothing
 * @param statuses which drafts a person can pick from
 * @returns null if the person picked none. Throws a `Refusal` if there is none to pick
 */
export async function draftOf(
  called: unknown,
  host: Served,
  statuses: readonly DraftListItem['status'][],
  title: string,
): Promise<string | null> {
  const id = draftIdIn(called);
  if (id !== null) return id;
  const drafts = await host.client.call('listDrafts', {
    ...{ view: 'summary', limit: most, status: [...statuses] },
  });
  if (drafts.length === 0)
    throw new Refusal('There is no draft for that yet. New Draft makes one.');
  const items = drafts.map((draft) => ({
    id: draft.id,
    label: oneLine(draft.prompt, 100),
    description: `${draft.status === 'draft' ? 'waiting' : draft.status} · ${ageOf(draft.created_at, Date.now()).short}`,
  }));
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'Which draft?' });
  return picked?.id ?? null;
}
