import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { oneLine } from '../text.ts';
import { type EditablePart, editableParts } from './addresses.ts';
import { textOf } from './bases.ts';
import { editUri } from './uris.ts';

const labels: Record<EditablePart, string> = { content: 'Content', prompt: 'Prompt' };

/**
 * Asks which text of a draft to edit, and opens it in an editor, where saving changes the draft. A draft that is
 * decided opens too, to be read. Rejects as the client does.
 */
export async function editDraft(host: Served, id: string): Promise<void> {
  const draft = await host.client.call('getDraft', { draft_id: id });
  const final = draft.status !== 'draft';
  const items = editableParts.map((part) => ({
    part,
    label: labels[part],
    detail: oneLine(textOf(draft, part), 100) || '(empty)',
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: `${final ? 'Read' : 'Edit'} Draft: ${oneLine(draft.prompt, 60)}`,
    placeHolder: final
      ? `This draft is decided (${draft.status}), so it opens to be read only.`
      : 'Which text? Saving it changes the draft.',
  });
  if (picked === undefined) return;
  await vscode.window.showTextDocument(editUri({ id, part: picked.part }), { preview: false });
  if (final)
    void vscode.window.showInformationMessage(
      `This draft is decided (${draft.status}), and that is final: it can only be read. Make a new draft to change something.`,
    );
}
