import * as vscode from 'vscode';
import type { OutsideChange } from '../../contract/rows/upkeep.ts';
import { needsHost } from '../commands/needsHost.ts';
import { schemes } from '../ids.ts';
import { Refusal, toldMs } from '../messages.ts';
import { asRows, withoutIcons } from '../text.ts';
import { sidesOf } from './changeText.ts';
import { givenName } from './node.ts';
import type { ControlParts } from './parts.ts';
import { changedWords } from './rows.ts';

/** How many texts are kept for tabs that are still open. */
const most = 40;

type Side = 'accepted' | 'found';
type Decision = 'accept' | 'restore';

/** Both sides of changes, as documents that can only be read. Their address names the change, so a tab never shows another. */
export interface ChangeDocuments extends vscode.Disposable {
  /** Shows what was accepted against what was found, without taking the focus. */
  open(change: OutsideChange): Promise<void>;
}

export function createChangeDocuments(): ChangeDocuments {
  const texts = new Map<string, string>();
  const provider = vscode.workspace.registerTextDocumentContentProvider(schemes.outsideChange, {
    provideTextDocumentContent: ({ path }) =>
      texts.get(path) ?? 'This change is no longer known. Review the changes anew.\n',
  });
  const put = (change: OutsideChange, side: Side): vscode.Uri => {
    const path = `/${change.digest.slice(0, 12)}/${side}/${change.what}.json`;
    texts.delete(path);
    texts.set(path, sidesOf(change)[side]);
    for (const old of [...texts.keys()].slice(0, Math.max(0, texts.size - most))) texts.delete(old);
    return vscode.Uri.from({ scheme: schemes.outsideChange, path });
  };
  return {
    async open(change) {
      const title = `${change.what}.json: accepted ↔ found (${change.digest.slice(0, 8)})`;
      const sides = [put(change, 'accepted'), put(change, 'found')];
      const how: vscode.TextDocumentShowOptions = { preserveFocus: true, preview: true };
      await vscode.commands.executeCommand('vscode.diff', ...sides, title, how);
    },
    dispose: () => provider.dispose(),
  };
}

/**
 * Shows what was changed outside, and asks what to do about it. What is accepted is what was shown, or nothing. Rejects as
 * the client does.
 *
 * @param item a row of the view; without one a person picks, if there are several
 */
export async function reviewOutsideChanges(
  { server }: ControlParts,
  documents: ChangeDocuments,
  item: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const changes = await client.call('listChanges', {});
  if (changes.length === 0)
    throw new Refusal('No setting was changed outside, so there is nothing to review.');
  const change = await chosen(changes, givenName('change', item));
  if (change === undefined) return;
  await documents.open(change);
  const decision = await decided(change);
  if (decision === null) return;
  const { what, digest } = change;
  const left =
    decision === 'accept'
      ? await client.call('acceptChange', { what, digest })
      : await client.call('restoreChange', { what });
  const done = decision === 'accept' ? 'is in force as the file says' : 'is as it was accepted';
  const more = left.length === 0 ? '' : ` ${left.length} more to review.`;
  vscode.window.setStatusBarMessage(`$(check) ${what}.json ${done}.${more}`, toldMs);
}

async function chosen(
  changes: readonly OutsideChange[],
  given: string | null,
): Promise<OutsideChange | undefined> {
  const [only] = changes;
  if (given !== null) {
    const found = changes.find(({ what }) => what === given);
    if (found === undefined) throw new Refusal('This change is gone: it is decided already.');
    return found;
  }
  if (changes.length === 1) return only;
  const items = changes.map((change) => ({
    label: `$(diff) ${changedWords[change.what]}`,
    description: `${change.what}.json`,
    ...(change.problem === null ? {} : { detail: change.problem }),
    change,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title: 'Review Outside Changes', placeHolder: 'Which one?' },
  });
  return picked?.change;
}

type Entry = vscode.QuickPickItem & { decision?: Decision | 'none' };

/** Asks beside the diff, which can be scrolled meanwhile. The first row, and what Enter means, is to leave it. */
function decided(change: OutsideChange): Promise<Decision | null> {
  const picker = vscode.window.createQuickPick<Entry>();
  const { what, problem, notes } = change;
  picker.title = `Changed outside: ${what}.json`;
  picker.placeholder = 'Left is what holds, right is what the file says. What should hold?';
  picker.ignoreFocusOut = true;
  const told = [...(problem === null ? [] : [`It cannot be accepted. ${problem}`]), ...notes];
  const accept: Entry = {
    label: '$(check) Accept what the file says',
    description: 'it comes into force',
    alwaysShow: true,
    decision: 'accept',
  };
  picker.items = [
    { label: '$(close) Decide later', alwaysShow: true, decision: 'none' },
    {
      label: '$(discard) Restore what was accepted',
      description: 'the file is written back',
      alwaysShow: true,
      decision: 'restore',
    },
    ...(problem === null ? [accept] : []),
    ...(told.length === 0 ? [] : [{ label: '', kind: vscode.QuickPickItemKind.Separator }]),
    ...told.flatMap(asRows).map((row) => ({ label: withoutIcons(row) })),
  ];
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      const decision = picker.selectedItems[0]?.decision;
      if (decision === undefined) return;
      resolve(decision === 'none' ? null : decision);
      picker.hide();
    });
    picker.onDidHide(() => {
      resolve(null);
      picker.dispose();
    });
    picker.show();
  });
}
