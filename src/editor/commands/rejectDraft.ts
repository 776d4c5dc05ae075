import * as vscode from 'vscode';
import { Refusal } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { oneLine } from '../text.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickWaitingDraft } from './pickRecord.ts';

/**
 * Says no to a draft, and why. If the draft is changed while the reason is written, nothing happens and that is told.
 * Rejects as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks
 */
export async function rejectDraft(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const id = givenId('draft', item) ?? (await pickWaitingDraft(client, 'Reject Draft'));
  if (id === null) return;
  const [{ body: draft, etag }, config] = await Promise.all([
    client.answer('getDraft', { draft_id: id }),
    client.call('getConfig', {}),
  ]);
  if (draft.status !== 'draft')
    throw new Refusal(
      `This draft is no longer waiting (it is in state "${draft.status}"), so there is nothing to reject.`,
    );
  const needed = config.require_reason_on_reject;
  const reason = await vscode.window.showInputBox({
    title: `Reject: ${oneLine(draft.prompt, 60)}`,
    prompt: needed
      ? 'Why? This folder asks for a reason. A rejection is final.'
      : 'Why? It may stay empty. A rejection is final.',
    placeHolder: 'For example: it changes more than it needs to',
    ignoreFocusOut: true,
    validateInput: (text) =>
      needed && text.trim() === '' ? 'Say in a few words why not.' : undefined,
  });
  if (reason === undefined) return;
  await client.call(
    'rejectDraft',
    { draft_id: id, reason: reason.trim() === '' ? null : reason },
    etag === undefined ? {} : { ifMatch: etag },
  );
  vscode.window.setStatusBarMessage('$(circle-slash) The draft is rejected.', 5000);
}
