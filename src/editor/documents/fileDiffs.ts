import { createHash } from 'node:crypto';
import path from 'node:path';
import * as vscode from 'vscode';
import { folderToServe } from '../server/startHost.ts';
import { oneLine } from '../text.ts';
import { diffTitle } from './diffTitle.ts';
import { hiddenChanges } from './hiddenChanges.ts';
import { type Revision, shortOf } from './revision.ts';
import { emptyUri, writeUri } from './uris.ts';
import { type FileChange, fileChanges, insidePath, type Write } from './writes.ts';

/** More files than this open in one tab with all of them: `vscode.changes`, which takes the focus in any case. */
const mostTabs = 3;
/** Bytes: a larger file is compared by the editor alone. */
const mostLooked = 5 * 1024 * 1024;

/** One file to compare; a side is undefined where there is no file. */
interface FileDiff {
  change: FileChange;
  left: vscode.Uri | undefined;
  right: vscode.Uri | undefined;
  /** What to know about it beside what the diff shows. */
  notes: string[];
}

/**
 * Opens the files of the workspace, as they are now, against what a draft would write there: a tab for each of a few,
 * else one tab with all.
 *
 * @param refocus puts the focus back where it was, if it had to be taken
 */
export async function openFileDiffs(
  id: string,
  now: Revision,
  refocus: (() => Promise<void>) | undefined,
): Promise<void> {
  const root = folderToServe();
  const changes = fileChanges(now.writes);
  const diffs = await Promise.all(changes.map((change) => diffOf(change, { root, id, now })));
  if (diffs.length <= mostTabs) return openTabs(diffs, now);
  const noted = diffs.filter(({ notes }) => notes.length > 0).length;
  const closely = noted === 0 ? '' : `, ${noted} to look at closely in the panel`;
  // The editor adds how many files there are.
  const title = `${oneLine(now.parts.prompt, 50)}: workspace ↔ draft${closely} (${shortOf(now)})`;
  const list = diffs.map(({ change, left, right }) => [fileOf(change.write, root), left, right]);
  await vscode.commands.executeCommand('vscode.changes', title, list);
  await refocus?.();
}

async function openTabs(diffs: readonly FileDiff[], now: Revision): Promise<void> {
  const oneStep = new Set(now.writes.map(({ step }) => step)).size === 1;
  const show = async ({ change, left, right, notes }: FileDiff, preview: boolean) => {
    const title = diffTitle(change, {
      ...{ left: left !== undefined, notes, oneStep, revision: shortOf(now) },
    });
    const options: vscode.TextDocumentShowOptions = { preserveFocus: true, preview };
    const sides = [left ?? emptyUri, right ?? emptyUri];
    await vscode.commands.executeCommand('vscode.diff', ...sides, title, options);
  };
  // A preview would take the place of the one before it.
  for (const diff of diffs) await show(diff, diff === diffs.at(-1));
  // The one that is read first.
  if (diffs[0] !== undefined && diffs.length > 1) await show(diffs[0], false);
}

async function diffOf(
  change: FileChange,
  { root, id, now }: { root: string; id: string; now: Revision },
): Promise<FileDiff> {
  const uriOf = (write: Write): vscode.Uri | undefined =>
    write.text === null
      ? undefined
      : writeUri(
          { id, revision: now.revision, step: write.step, change: write.change },
          fileOf(write, root),
        );
  const { write, before } = change;
  const right = uriOf(write);
  if (before !== null) {
    const notes =
      write.text === null ? [] : hiddenChanges(Buffer.from(before.text ?? ''), write.text);
    return { change, left: uriOf(before), right, notes: before.text === null ? [] : notes };
  }
  if (insidePath(write.path) === null)
    return { change, left: undefined, right, notes: ['outside the workspace: refused'] };
  const file = fileOf(write, root);
  const { there, bytes } = await look(file);
  return { change, left: there ? file : undefined, right, notes: notesOf(write, there, bytes) };
}

/** What stands at a path; without `bytes` if that is too large, or no file. */
async function look(file: vscode.Uri): Promise<{ there: boolean; bytes: Uint8Array | null }> {
  try {
    const { type, size } = await vscode.workspace.fs.stat(file);
    if ((type & vscode.FileType.File) === 0) return { there: false, bytes: null };
    if (size > mostLooked) return { there: true, bytes: null };
    return { there: true, bytes: await vscode.workspace.fs.readFile(file) };
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound')
      return { there: false, bytes: null };
    // It cannot be read; the editor says why where it would show it.
    if (error instanceof vscode.FileSystemError) return { there: true, bytes: null };
    throw error;
  }
}

function notesOf({ base, text }: Write, there: boolean, bytes: Uint8Array | null): string[] {
  const sha256 = bytes === null ? null : createHash('sha256').update(bytes).digest('hex');
  const known = bytes !== null || !there;
  const changed = known && base !== undefined && base !== sha256;
  return [
    ...(changed ? ['changed since the draft was made'] : []),
    ...(bytes === null || text === null ? [] : hiddenChanges(bytes, text)),
  ];
}

/** The file that a change writes; of one that would lead out of the workspace only its name, in the workspace. */
const fileOf = ({ path: name }: Write, root: string): vscode.Uri =>
  vscode.Uri.file(path.join(root, insidePath(name) ?? path.posix.basename(name)));
