import * as vscode from 'vscode';
import type { Host } from '../../http/host.ts';
import { oneLine } from '../text.ts';
import type { PartName } from './addresses.ts';
import type { LastSeen } from './lastSeen.ts';
import { partsToShow, type Revision, revisionOf, shortOf } from './revision.ts';
import type { Shown } from './shown.ts';
import { emptyUri, viewUri } from './uris.ts';

interface DiffPorts {
  shown: Shown;
  lastSeen: LastSeen;
}

/**
 * Opens what has changed in a draft since it was last seen in this workspace: a diff for each part. The focus stays
 * where it is. Rejects as the client does.
 */
export async function openDraftDiff(host: Host, id: string, ports: DiffPorts): Promise<void> {
  const { shown, lastSeen } = ports;
  const now = revisionOf(await host.client.call('getDraft', { draft_id: id }));
  const before = lastSeen.baseOf(id, now);
  shown.add(id, now);
  if (before !== null) shown.add(id, before);
  const parts = partsToShow(before, now);
  // `vscode.changes` would show them in one tab, but it always takes the focus.
  for (const [index, part] of parts.entries()) {
    const left = before === null ? emptyUri : viewUri({ id, revision: before.revision, part });
    const right = viewUri({ id, revision: now.revision, part });
    const title = titleOf(before, now, parts.length > 1 ? part : null);
    const options: vscode.TextDocumentShowOptions = {
      preserveFocus: true,
      // A preview would take the place of the one before it.
      preview: index === parts.length - 1,
    };
    await vscode.commands.executeCommand('vscode.diff', left, right, title, options);
  }
  await lastSeen.see(id, now);
}

function titleOf(before: Revision | null, now: Revision, part: PartName | null): string {
  const name = oneLine(now.parts.prompt, 50);
  const of = part === null ? '' : ` (${part})`;
  const left = before === null ? 'nothing' : 'last seen';
  return `${name}${of}: ${left} ↔ now (${shortOf(now)})`;
}
