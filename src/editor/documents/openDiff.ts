import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { oneLine } from '../text.ts';
import type { PartName } from './addresses.ts';
import { openFileDiffs } from './fileDiffs.ts';
import type { LastSeen } from './lastSeen.ts';
import { partsToShow, revisionOf, shortOf, type Texts } from './revision.ts';
import type { Shown } from './shown.ts';
import { emptyUri, viewUri } from './uris.ts';

interface DiffPorts {
  shown: Shown;
  lastSeen: LastSeen;
  /** Puts the focus back where it was; called if a diff had to take it. */
  refocus?: (() => Promise<void>) | undefined;
}

/**
 * Opens what a draft would change. One with edit steps: the files of the workspace against what it would write there.
 * Any other: what is new in it since it was last seen in this workspace, a diff for each part. The focus stays where it
 * is. Rejects as the client does.
 */
export async function openDraftDiff(host: Served, id: string, ports: DiffPorts): Promise<void> {
  const { shown, lastSeen } = ports;
  const now = revisionOf(await host.client.call('getDraft', { draft_id: id }));
  shown.add(id, now);
  if (now.writes.length > 0) return openFileDiffs(id, now, ports.refocus);
  const before = lastSeen.baseOf(id, now);
  if (before !== null) shown.add(id, before);
  const parts = partsToShow(before, now);
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

function titleOf(before: Texts | null, now: Texts, part: PartName | null): string {
  const name = oneLine(now.parts.prompt, 50);
  const of = part === null ? '' : ` (${part})`;
  const left = before === null ? 'nothing' : 'last seen';
  return `${name}${of}: ${left} ↔ now (${shortOf(now)})`;
}
