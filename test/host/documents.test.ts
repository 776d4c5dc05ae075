import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Client } from '../../src/client/client.ts';
import type { Args, Draft } from '../../src/contract/operations.ts';
import type { Step } from '../../src/contract/records.ts';
import { type Person, sitDown } from './person.ts';
import { startRemote } from './remote.ts';

/* Drafts in normal editors. `remote` is somebody else: a script with a token, over HTTP. */

let person: Person;
let remote: Client;

before(async () => {
  person = sitDown();
  remote = await startRemote(person);
});
after(() => person.leave());
afterEach(async () => {
  person.told.length = 0;
  person.answers = undefined;
  person.picks = undefined;
  while (vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0))
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
});

const propose = (more: Partial<Args['createDraft']> = {}): Promise<Draft> =>
  remote.call('createDraft', { prompt: 'Explain the tests', content: 'One\n', ...more });
const change = (draft: Draft, more: Partial<Args['editDraft']>): Promise<Draft> =>
  remote.call('editDraft', { draft_id: draft.id, ...more });
const now = (draft: Draft): Promise<Draft> => remote.call('getDraft', { draft_id: draft.id });

const viewOf = (draft: Draft, file = 'content.md') =>
  vscode.Uri.parse(`gimo:/drafts/${draft.id}/${draft.digest}/${file}`);
const fileOf = (draft: Draft, file = 'content.md') =>
  vscode.Uri.parse(`gimo-draft:/${draft.id}/${file}`);
const textAt = async (uri: vscode.Uri) => (await vscode.workspace.openTextDocument(uri)).getText();

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

/** Puts a file into the workspace. */
async function write(name: string, what: string | Uint8Array): Promise<vscode.Uri> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert(folder !== undefined);
  const file = vscode.Uri.joinPath(folder.uri, name);
  await vscode.workspace.fs.writeFile(file, Buffer.from(what));
  return file;
}

let edits = 0;
function edit(...changes: [path: string, text: string | null][]): Step {
  edits += 1;
  return {
    ...{ id: `e${edits}`, kind: 'edit' },
    changes: changes.map(([path, text]) => ({ path, text })),
  };
}

/** The diff in front. */
interface OpenDiff {
  title: string;
  left: vscode.Uri;
  right: vscode.Uri;
  tab: vscode.Tab;
}

function diffIn(tab: vscode.Tab | undefined): OpenDiff {
  assert(tab?.input instanceof vscode.TabInputTextDiff, `There is ${tab?.label}`);
  return { title: tab.label, left: tab.input.original, right: tab.input.modified, tab };
}

/** The diff in front. */
const openDiff = () => diffIn(vscode.window.tabGroups.activeTabGroup.activeTab);

/** The diff whose title matches, in front or not. */
function diffNamed(title: RegExp): OpenDiff {
  const { tabs } = vscode.window.tabGroups.activeTabGroup;
  return diffIn(tabs.find(({ label }) => title.test(label)));
}

describe('a draft to be read', () => {
  it('shows exactly the text of the digest in its address', async () => {
    const draft = await propose({ content: 'Exactly **this** <b>&amp;</b> token=abc\n' });
    assert.equal(await textAt(viewOf(draft)), draft.content);
    assert.equal(await textAt(viewOf(draft, 'prompt.md')), draft.prompt);
  });

  it('says that the draft has changed where its address is old', async () => {
    const old = await propose();
    await change(old, { content: 'Two\n' });
    const told = await textAt(viewOf(old));
    assert.match(told, /has changed since this tab was opened\. Open the diff again\./);
    assert(!told.includes('Two'));
  });

  it('still shows what was once shown in this window', async () => {
    const old = await propose();
    assert.equal(await textAt(viewOf(old, 'prompt.md')), old.prompt);
    await change(old, { content: 'Two\n' });
    assert.equal(await textAt(viewOf(old)), 'One\n');
  });

  it('says so where there is no such draft', async () => {
    const told = await textAt(
      vscode.Uri.parse(`gimo:/drafts/d_1_abcdef/${'0'.repeat(64)}/content.md`),
    );
    assert.match(told, /does not exist any more/);
    assert.match(await textAt(vscode.Uri.parse('gimo:/elsewhere')), /no address of GIMO/);
  });

  it('cannot be written', async () => {
    const draft = await propose();
    const { document } = await vscode.window.showTextDocument(viewOf(draft));
    await vscode.commands.executeCommand('type', { text: 'Mine' });
    assert.equal(document.getText(), 'One\n');
  });
});

describe('Open Draft Diff', () => {
  it('shows a new draft against nothing, and then what is new', async () => {
    const draft = await propose({ content: null });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const first = openDiff();
    assert.equal(first.title, `Explain the tests: nothing ↔ now (${draft.digest?.slice(0, 8)})`);
    assert.equal(await textAt(first.left), '');
    assert.equal(await textAt(first.right), 'Explain the tests');
    assert.equal(first.tab.isPreview, true);

    const next = await change(draft, { content: 'Two\n' });
    await vscode.commands.executeCommand('gimo.openDraftDiff', { kind: 'draft', id: draft.id });
    const second = openDiff();
    assert.equal(second.title, `Explain the tests: last seen ↔ now (${next.digest?.slice(0, 8)})`);
    assert.equal(await textAt(second.left), '');
    assert.equal(await textAt(second.right), 'Two\n');
    assert.equal(second.left.path, viewOf(draft).path);
  });

  it('shows every part that is new, steps included', async () => {
    const steps = [{ id: 's1', kind: 'prompt' as const, text: 'Look\nclosely' }];
    const draft = await propose({ steps });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const tabs = vscode.window.tabGroups.activeTabGroup.tabs.map(({ label }) => label);
    assert.equal(tabs.length, 3);
    assert.match(tabs.join('\n'), /\(prompt\).*\n.*\(content\).*\n.*\(steps\)/);
    assert.match(await textAt(openDiff().right), / {4}Look\n {4}closely/);
  });

  it('shows the file that an edit would write against the one that is there', async () => {
    const file = await write('one.ts', 'const a = 1;\r\n');
    const draft = await propose({ steps: [edit(['one.ts', 'const a = 2;\n'])] });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const { title, left, right } = openDiff();
    assert.equal(left.path, file.path);
    assert.equal(await textAt(right), 'const a = 2;\n');
    assert.equal((await vscode.workspace.openTextDocument(right)).languageId, 'typescript');
    const short = draft.digest?.slice(0, 8);
    assert.equal(title, `one.ts (line ends CRLF → LF): workspace ↔ draft (${short})`);
  });

  it('compares files in UTF-16, new ones, deleted ones and a second change, in tabs', async () => {
    await write('wide.txt', Buffer.from('\ufeffWide\n', 'utf16le'));
    const steps = [edit(['wide.txt', 'Wider\n'], ['new.txt', 'New\n'])];
    const draft = await propose({ steps });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const wide = openDiff();
    assert.match(wide.title, /^wide\.txt: workspace ↔ draft/);
    assert.equal(await textAt(wide.left), 'Wide\n');
    const created = diffNamed(/^new\.txt \(new\): nothing ↔ draft/);
    assert.equal(await textAt(created.left), '');

    await write('gone.txt', 'Old\n');
    const twice = [edit(['gone.txt', 'Changed\n']), edit(['gone.txt', null])];
    const next = await propose({ steps: twice });
    await vscode.commands.executeCommand('gimo.openDraftDiff', next.id);
    assert.match(openDiff().title, /^gone\.txt \(step 1\): workspace ↔ draft/);
    const deleted = diffNamed(/^gone\.txt \(step 2, deleted\): after step 1 ↔ nothing/);
    assert.equal(await textAt(deleted.left), 'Changed\n');
    assert.equal(await textAt(deleted.right), '');
  });

  it('says that a file has changed since the draft was made', async () => {
    await write('late.txt', 'One\n');
    const draft = await propose({ steps: [edit(['late.txt', 'Two\n'])] });
    await write('late.txt', 'One, by somebody else\n');
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    assert.match(openDiff().title, /^late\.txt \(changed since the draft was made\):/);
  });

  it('opens many files in one tab', async () => {
    const changes = Array.from({ length: 30 }, (_, at): [string, string] => [`many/${at}.ts`, 'x']);
    const draft = await propose({ steps: [edit(...changes)] });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const { tabs, activeTab } = vscode.window.tabGroups.activeTabGroup;
    assert.equal(tabs.length, 1);
    assert.match(activeTab?.label ?? '', /Explain the tests: workspace ↔ draft/);
  });

  it('works for a draft that is decided, and leaves it as it is', async () => {
    const draft = await propose();
    await remote.call('rejectDraft', { draft_id: draft.id });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    assert.equal(await textAt(openDiff().right), 'One\n');
    assert.equal((await now(draft)).status, 'rejected');
  });

  it('asks which draft if it is called without one', async () => {
    const draft = await propose({ prompt: 'Pick me', content: null });
    person.picks = 'Pick me';
    await vscode.commands.executeCommand('gimo.openDraftDiff');
    assert.equal(openDiff().right.path, viewOf(draft, 'prompt.md').path);
  });

  it('tells what is wrong', async () => {
    await vscode.commands.executeCommand('gimo.openDraftDiff', 'd_1_abcdef');
    assert.equal(person.told.length, 1);
  });
});

describe('a draft in an editor', () => {
  it('is not saved by itself, and its text is not changed by a save', async () => {
    const how = (section: string) =>
      vscode.workspace.getConfiguration(section, { languageId: 'gimo-draft' });
    assert.equal(vscode.workspace.getConfiguration('files').get('autoSave'), 'afterDelay');
    assert.equal(how('files').get('autoSave'), 'off');
    assert.equal(how('files').get('trimTrailingWhitespace'), false);
    assert.equal(how('diffEditor').get('ignoreTrimWhitespace'), false);
    const { document } = await openFile(await propose());
    assert.equal(document.languageId, 'gimo-draft');
  });

  it('is opened by Edit Draft, content or prompt', async () => {
    const draft = await propose();
    await vscode.commands.executeCommand('gimo.editDraft', draft.id);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), fileOf(draft).toString());
    person.picks = 'Prompt';
    await vscode.commands.executeCommand('gimo.editDraft', { draft: { id: draft.id } });
    const prompt = vscode.window.activeTextEditor?.document;
    assert.equal(prompt?.getText(), draft.prompt);
    await vscode.commands.executeCommand('type', { text: 'Please. ' });
    assert.equal(prompt?.getText(), `Please. ${draft.prompt}`);
  });

  it('is saved as a change of the draft', async () => {
    const draft = await propose();
    const before = await vscode.workspace.fs.stat(fileOf(draft));
    const editor = await openFile(draft);
    await type(editor, 'Two  \nlines');
    assert.equal(await editor.document.save(), true);
    const saved = await now(draft);
    assert.equal(saved.content, 'Two  \nlines');
    assert.notEqual(saved.digest, draft.digest);
    assert((await vscode.workspace.fs.stat(fileOf(draft))).mtime > before.mtime);
    await type(editor, 'Three');
    assert.equal(await editor.document.save(), true);
    assert.equal((await now(draft)).content, 'Three');
  });

  it('can be saved in both its files, one after the other', async () => {
    const draft = await propose();
    const content = await openFile(draft);
    await type(content, 'Two');
    const prompt = await openFile(draft, 'prompt.md');
    await type(prompt, 'Ask this');
    assert.equal(await vscode.workspace.saveAll(), true);
    const saved = await now(draft);
    assert.deepEqual([saved.content, saved.prompt], ['Two', 'Ask this']);
  });

  it('shows what somebody else saved, as long as nothing is unsaved', async () => {
    const draft = await propose();
    const { document } = await openFile(draft);
    await change(draft, { content: 'Theirs\n' });
    await until(document, () => document.getText() === 'Theirs\n');
    assert.equal(document.isDirty, false);
    await type(await openFile(draft), 'Mine, after theirs');
    assert.equal(await document.save(), true);
  });

  it('keeps the text of both where they are in conflict', async () => {
    const draft = await propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    await change(draft, { content: 'Theirs' });
    for (let attempt = 0; attempt < 2; attempt++) assert.equal(await editor.document.save(), false);
    assert.equal(editor.document.getText(), 'Mine');
    assert.equal(editor.document.isDirty, true);
    assert.equal((await now(draft)).content, 'Theirs');
    const [question] = person.told;
    assert.match(question?.message ?? '', /has changed.*nothing was saved/);
    assert.deepEqual(question?.offers, ['Compare', 'Discard mine']);
  });

  it('shows both at Compare, and saves mine only after that', async () => {
    const draft = await propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    const theirs = await change(draft, { content: 'Theirs' });
    person.answers = 'Compare';
    const compared = new Promise<void>((resolve) => {
      const subscription = vscode.window.tabGroups.onDidChangeTabs(({ opened }) => {
        if (!opened.some(({ input }) => input instanceof vscode.TabInputTextDiff)) return;
        subscription.dispose();
        resolve();
      });
    });
    assert.equal(await editor.document.save(), false);
    await compared;
    const { left, right } = openDiff();
    assert.equal(left.path, viewOf(theirs).path);
    assert.equal(await textAt(left), 'Theirs');
    assert.equal(right.toString(), fileOf(draft).toString());
    assert.equal(editor.document.getText(), 'Mine');
    assert.equal(await editor.document.save(), true);
    assert.equal((await now(draft)).content, 'Mine');
  });

  it('takes theirs at Discard mine', async () => {
    const draft = await propose();
    const { document } = await openFile(draft);
    await type(await openFile(draft), 'Mine');
    await change(draft, { content: 'Theirs' });
    person.answers = 'Discard mine';
    assert.equal(await document.save(), false);
    await until(document, () => !document.isDirty && document.getText() === 'Theirs');
    await type(await openFile(draft), 'Mine, after theirs');
    assert.equal(await document.save(), true);
  });

  it('refuses an empty prompt', async () => {
    const draft = await propose();
    const editor = await openFile(draft, 'prompt.md');
    await type(editor, ' ');
    assert.equal(await editor.document.save(), false);
    assert.equal((await now(draft)).prompt, draft.prompt);
    await assert.rejects(
      async () => vscode.workspace.fs.writeFile(fileOf(draft, 'prompt.md'), new Uint8Array()),
      /prompt cannot be empty/,
    );
  });

  it('keeps no content apart from empty content', async () => {
    const none = await propose({ content: null });
    await vscode.workspace.fs.readFile(fileOf(none));
    await vscode.workspace.fs.writeFile(fileOf(none), new Uint8Array());
    assert.equal((await now(none)).content, null);
  });

  it('can only be read once it is decided, and says so', async () => {
    const draft = await propose();
    await remote.call('rejectDraft', { draft_id: draft.id });
    const { permissions } = await vscode.workspace.fs.stat(fileOf(draft));
    assert.equal(permissions, vscode.FilePermission.Readonly);
    await vscode.commands.executeCommand('gimo.editDraft', draft.id);
    assert.match(person.told[0]?.message ?? '', /decided \(rejected\).*can only be read/);
    await vscode.commands.executeCommand('type', { text: 'Mine' });
    assert.equal(vscode.window.activeTextEditor?.document.getText(), 'One\n');
  });

  it('keeps unsaved text of a draft that is decided meanwhile', async () => {
    const draft = await propose();
    const editor = await openFile(draft);
    await type(editor, 'Mine');
    await remote.call('rejectDraft', { draft_id: draft.id });
    assert.equal(await editor.document.save(), false);
    assert.equal(editor.document.getText(), 'Mine');
    assert.match(person.told[0]?.message ?? '', /already rejected.*still in the editor/);
    assert.equal((await now(draft)).content, 'One\n');
  });

  it('is no file that can be made, renamed or deleted', async () => {
    const draft = await propose();
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
    assert.equal((await now(draft)).content, 'One\n');
  });

  it('is away while there is no server, and comes back with it', async () => {
    const draft = await propose();
    const editor = await openFile(draft);
    await vscode.commands.executeCommand('gimo.stopServer');
    await assert.rejects(
      async () => vscode.workspace.fs.readFile(fileOf(draft)),
      /server is not running/,
    );
    await type(editor, 'Mine');
    assert.equal(await editor.document.save(), false);
    remote = await startRemote(person);
    assert.equal(await editor.document.save(), true);
    assert.equal((await now(draft)).content, 'Mine');
  });
});
