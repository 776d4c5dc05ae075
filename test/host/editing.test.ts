import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Draft } from '../../src/contract/operations.ts';
import { startRemote } from './remote.ts';
import { atTheEditor, diffInFront, textAt, viewOf } from './seat.ts';

/* Drafts in normal editors, to be changed and saved. */

const fileOf = (draft: Draft, file = 'content.md') =>
  vscode.Uri.parse(`gimo-draft:/${draft.id}/${file}`);

async function openFile(draft: Draft, file = 'content.md'): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(fileOf(draft, file), { preview: false });
}

/** Types a text in place of what is there. */
async function type(editor: vscode.TextEditor, text: string): Promise<boolean> {
  const { document } = editor;
  const all = new vscode.Range(
    new vscode.Position(0, 0),
    document.lineAt(document.lineCount - 1).range.end,
  );
  return editor.edit((edit) => edit.replace(all, text));
}

/** Waits until a document is as wanted, which its events tell. */
function until(document: vscode.TextDocument, wanted: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!wanted()) return;
      subscription.dispose();
      resolve();
    };
    const subscription = vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.document === document) look();
    });
    look();
  });
}

describe('a draft in an editor', () => {
  const seat = atTheEditor();

  it('is not saved by itself, and its text is not changed by a save', async () => {
    const how = (section: string) =>
      vscode.workspace.getConfiguration(section, { languageId: 'gimo-draft' });
    assert.equal(vscode.workspace.getConfiguration('files').get('autoSave'), 'afterDelay');
    assert.equal(how('files').get('autoSave'), 'off');
    assert.equal(how('files').get('trimTrailingWhitespace'), false);
    assert.equal(how('diffEditor').get('ignoreTrimWhitespace'), false);
    const { document } = await openFile(await seat.propose());
    assert.equal(document.languageId, 'gimo-draft');
  });

  it('is opened by Edit Draft, content or prompt', async () => {
    const draft = await seat.propose();
    await vscode.commands.executeCommand('gimo.editDraft', draft.id);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), fileOf(draft).toString());
    seat.person.picks = 'Prompt';
    await vscode.commands.executeCommand('gimo.editDraft', { draft: { id: draft.id } });
    const prompt = vscode.window.activeTextEditor?.document;
    assert.equal(prompt?.getText(), draft.prompt);
    await vscode.commands.executeCommand('type', { text: 'Please. ' });
    assert.equal(prompt?.getText(), `Please. ${draft.prompt}`);
  });

  it('is saved as a change of the draft', async () => {
    const draft = await seat.propose();
    const before = await vscode.workspace.fs.stat(fileOf(draft));
    const editor = await openFile(draft);
    await type(editor, 'Two  \nlines');
    assert.equal(await editor.document.save(), true);
    const saved = await seat.now(draft);
    assert.equal(saved.content, 'Two  \nlines');
    assert.notEqual(saved.digest, draft.digest);
    assert((await vscode.workspace.fs.stat(fileOf(draft))).mtime > before.mtime);
    await type(editor, 'Three');
    assert.equal(await editor.document.save(), true);
    assert.equal((await seat.now(draft)).content, 'Three');
  });

  it('can be saved in both its files, one after the other', async () => {
    const draft = await seat.propose();
    const content = await openFile(draft);
    await type(content, 'Two');
    const prompt = await openFile(draft, 'prompt.md');
    await type(prompt, 'Ask this');
    assert.equal(await vscode.workspace.saveAll(), true);
    const saved = await seat.now(draft);
    assert.deepEqual([saved.content, saved.prompt], ['Two', 'Ask this']);
  });

  it('shows what somebody else saved, as long as nothing is unsaved', async () => {
    const draft = await seat.propose();
    const { document } = await openFile(draft);
    await seat.change(draft, { content: 'Theirs\n' });
    await until(document, () => document.getText() === 'Theirs\n');
    assert.equal(document.isDirty, false);
    await type(await openFile(draft), 'Mine, after theirs');
    assert.equal(await document.save(), true);
  });

  it('keeps the text of both where they are in conflict', async () => {
    const draft = await seat.propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    await seat.change(draft, { content: 'Theirs' });
    for (let attempt = 0; attempt < 2; attempt++) assert.equal(await editor.document.save(), false);
    assert.equal(editor.document.getText(), 'Mine');
    assert.equal(editor.document.isDirty, true);
    assert.equal((await seat.now(draft)).content, 'Theirs');
    const [question] = seat.person.told;
    assert.match(question?.message ?? '', /has changed.*nothing was saved/);
    assert.deepEqual(question?.offers, ['Compare', 'Discard mine']);
  });

  it('shows both at Compare, and saves mine only after that', async () => {
    const draft = await seat.propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    const theirs = await seat.change(draft, { content: 'Theirs' });
    seat.person.answers = 'Compare';
    const compared = new Promise<void>((resolve) => {
      const subscription = vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
        if (!opened.some(({ input }) => input instanceof vscode.TabInputTextDiff)) return;
        subscription.dispose();
        resolve();
      });
    });
    assert.equal(await editor.document.save(), false);
    await compared;
    const { left, right } = diffInFront();
    assert.equal(left.path, viewOf(theirs).path);
    assert.equal(await textAt(left), 'Theirs');
    assert.equal(right.toString(), fileOf(draft).toString());
    assert.equal(editor.document.getText(), 'Mine');
    assert.equal(await editor.document.save(), true);
    assert.equal((await seat.now(draft)).content, 'Mine');
  });

  it('takes theirs at Discard mine', async () => {
    const draft = await seat.propose();
    const { document } = await openFile(draft);
    await type(await openFile(draft), 'Mine');
    await seat.change(draft, { content: 'Theirs' });
    seat.person.answers = 'Discard mine';
    assert.equal(await document.save(), false);
    await until(document, () => !document.isDirty && document.getText() === 'Theirs');
    await type(await openFile(draft), 'Mine, after theirs');
    assert.equal(await document.save(), true);
  });

  it('refuses an empty prompt', async () => {
    const draft = await seat.propose();
    const editor = await openFile(draft, 'prompt.md');
    await type(editor, ' ');
    assert.equal(await editor.document.save(), false);
    assert.equal((await seat.now(draft)).prompt, draft.prompt);
    await assert.rejects(
      async () => vscode.workspace.fs.writeFile(fileOf(draft, 'prompt.md'), new Uint8Array()),
      /prompt cannot be empty/,
    );
  });

  it('keeps no content apart from empty content', async () => {
    const none = await seat.propose({ content: null });
    await vscode.workspace.fs.readFile(fileOf(none));
    await vscode.workspace.fs.writeFile(fileOf(none), new Uint8Array());
    assert.equal((await seat.now(none)).content, null);
  });

  it('can only be read once it is decided, and says so', async () => {
    const draft = await seat.propose();
    await seat.remote.call('rejectDraft', { draft_id: draft.id });
    const { permissions } = await vscode.workspace.fs.stat(fileOf(draft));
    assert.equal(permissions, vscode.FilePermission.Readonly);
    await vscode.commands.executeCommand('gimo.editDraft', draft.id);
    assert.match(seat.person.told[0]?.message ?? '', /decided \(rejected\).*can only be read/);
    await vscode.commands.executeCommand('type', { text: 'Mine' });
    assert.equal(vscode.window.activeTextEditor?.document.getText(), 'One\n');
  });

  it('keeps unsaved text of a draft that is decided meanwhile', async () => {
    const draft = await seat.propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    await seat.remote.call('rejectDraft', { draft_id: draft.id });
    assert.equal(await editor.document.save(), false);
    assert.equal(editor.document.getText(), 'Mine');
    assert.match(seat.person.told[0]?.message ?? '', /already rejected.*still in the editor/);
    assert.equal((await seat.now(draft)).content, 'One\n');
  });

  it('is no file that can be made, renamed or deleted', async () => {
    const draft = await seat.propose();
    const { fs } = vscode.workspace;
    const other = vscode.Uri.parse(`gimo-draft:/${draft.id}/other.md`);
    for (const job of [
      () => fs.delete(fileOf(draft)),
      () => fs.rename(fileOf(draft), other),
      () => fs.createDirectory(vscode.Uri.parse('gimo-draft:/folder/inner')),
      () => fs.writeFile(other, new Uint8Array()),
      () => fs.writeFile(vscode.Uri.parse('gimo-draft:/d_1_abcdef/content.md'), new Uint8Array()),
    ])
      await assert.rejects(async () => job());
    assert.equal((await seat.now(draft)).content, 'One\n');
  });

  it('is away while there is no server, and comes back with it', async () => {
    const draft = await seat.propose();
    const editor = await openFile(draft);
    await vscode.commands.executeCommand('gimo.stopServer');
    await assert.rejects(
      async () => vscode.workspace.fs.readFile(fileOf(draft)),
      /server is not running/,
    );
    await type(editor, 'Mine');
    assert.equal(await editor.document.save(), false);
    seat.remote = await startRemote(seat.person);
    assert.equal(await editor.document.save(), true);
    assert.equal((await seat.now(draft)).content, 'Mine');
  });
});
