import * as vscode from 'vscode';
import type { RunRecord } from '../../contract/records.ts';
import type { Undone } from '../../contract/rows/runs.ts';
import { Refusal } from '../messages.ts';
import type { Server } from '../server/server.ts';
import { changedFiles, editedFiles } from '../stepResults.ts';
import { titleOf } from '../steps.ts';
import { oneLine, visible, withoutIcons } from '../text.ts';
import { createTitles } from '../trees/titles.ts';
import { undoneMessage, undoQuestion } from '../undone.ts';
import { askYesNo, type YesNo } from './askYesNo.ts';
import { needsHost } from './needsHost.ts';
import { givenId, pickRun } from './pickRecord.ts';

const showAll = 'Show All';

/**
 * Puts back the files that a run changed, after a person has seen which and said yes; tells what became of each. Rejects
 * as the client does.
 *
 * @param item a row of a tree, or `{kind, id}`; without one a person picks among the runs that changed files
 */
export async function undoRun(server: Server, item: unknown): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const id = givenId('run', item) ?? (await pickRun(client, 'Undo Run', 'undoable'));
  if (id === null) return;
  const run = await client.call('getRun', { run_id: id });
  if (run.undone_at !== undefined)
    throw new Refusal('This run was undone already: its files are as before it.');
  if (!changedFiles(run))
    throw new Refusal('This run has changed no files that could be put back.');
  const title = (await createTitles()(client, [run])).get(run.approved_id)?.prompt ?? run.id;
  if (!(await askYesNo(questionOf(run, oneLine(title, 60))))) return;
  await tell(await client.call('undoRun', { run_id: id }));
}

function questionOf(run: RunRecord, title: string): YesNo {
  const edits = run.steps.filter(({ kind, status }) => kind === 'edit' && status === 'done');
  return {
    title: `Undo: ${title}`,
    ...undoQuestion,
    about: edits.map((step) => ({
      heading: titleOf(step),
      lines: editedFiles(step).map(({ path, did }) => ({
        text: visible(path).replace(/\s/g, ' '),
        note:
          did === 'created' ? 'made by the run, will be deleted' : `${oneLine(did, 20)} by the run`,
      })),
    })),
  };
}

async function tell(undone: Undone): Promise<void> {
  const { message, all } = undoneMessage(undone);
  const { left } = undone;
  if (left.length === 0) {
    void vscode.window.showInformationMessage(message);
    return;
  }
  const picked = await vscode.window.showWarningMessage(message, ...(all ? [] : [showAll]));
  if (picked !== showAll) return;
  const items = left.map(({ path, why }) => ({
    label: withoutIcons(visible(path)),
    detail: withoutIcons(visible(why)),
  }));
  await vscode.window.showQuickPick(items, { title: 'Left as they are', placeHolder: message });
}
