import * as vscode from 'vscode';
import type { Problems } from '../problems.ts';
import { type EditAddress, editPath, fileNames } from './addresses.ts';
import type { Bases } from './bases.ts';
import type { DraftReader } from './draftReader.ts';
import { revisionOf, shortOf } from './revision.ts';
import type { SaveConflict } from './saving.ts';
import type { Shown } from './shown.ts';
import { editUri, viewUri } from './uris.ts';

const compare = 'Compare';
const discard = 'Discard mine';

interface ConflictPorts {
  drafts: DraftReader;
  bases: Bases;
  shown: Shown;
  problems: Problems;
}

/** @returns a function that tells why a save was refused, and offers ways out; once a file at a time */
export function createConflicts(
  ports: ConflictPorts,
): (address: EditAddress, refused: SaveConflict) => void {
  const open = new Set<string>();

  const offer = async (address: EditAddress, { message, advice }: SaveConflict) => {
    const told = `${fileNames[address.part]}: ${message} Your text is still in the editor. ${advice}`;
    const picked = await vscode.window.showWarningMessage(told.trimEnd(), compare, discard);
    if (picked === compare) await showBoth(address, ports);
    if (picked === discard) await discardText(address);
  };
  return (address, refused) => {
    const path = editPath(address);
    if (open.has(path)) return;
    open.add(path);
    offer(address, refused)
      .catch((error: unknown) => ports.problems.tell(error))
      .finally(() => open.delete(path));
  };
}

/** Shows the draft as it is now beside the person's text. What they save after that, they save knowingly. */
async function showBoth(address: EditAddress, { drafts, bases, shown }: ConflictPorts) {
  const { id, part } = address;
  const version = await drafts.read(id);
  const now = revisionOf(version.draft);
  shown.add(id, now);
  const title = `${fileNames[part]}: draft now (${shortOf(now)}) ↔ your text`;
  const left = viewUri({ id, revision: now.revision, part });
  const how: vscode.TextDocumentShowOptions = { preserveFocus: true, preview: true };
  await vscode.commands.executeCommand('vscode.diff', left, editUri(address), title, how);
  bases.compared(address, version);
}

async function discardText(address: EditAddress): Promise<void> {
  // The editor only offers to revert the file that is in front.
  await vscode.window.showTextDocument(editUri(address), { preview: false });
  await vscode.commands.executeCommand('workbench.action.files.revert');
}
