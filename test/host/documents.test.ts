import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Step } from '../../src/contract/records.ts';
import { atTheEditor, diffIn, diffInFront, type OpenDiff, textAt, viewOf } from './seat.ts';

/* Drafts in normal editors, to be read and compared. */

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

/** The diff whose title matches, in front or not. */
function diffNamed(title: RegExp): OpenDiff {
  const { tabs } = vscode.window.tabGroups.activeTabGroup;
  return diffIn(tabs.find(({ label }) => title.test(label)));
}

describe('a draft to be read', () => {
  const seat = atTheEditor();

  it('shows exactly the text of the digest in its address', async () => {
    const draft = await seat.propose({ content: 'Exactly **this** <b>&amp;</b> token=abc\n' });
    assert.equal(await textAt(viewOf(draft)), draft.content);
    assert.equal(await textAt(viewOf(draft, 'prompt.md')), draft.prompt);
  });

  it('says that the draft has changed where its address is old', async () => {
    const old = await seat.propose();
    await seat.change(old, { content: 'Two\n' });
    const told = await textAt(viewOf(old));
    assert.match(told, /has changed since this tab was opened\. Open the diff again\./);
    assert(!told.includes('Two'));
  });

  it('still shows what was once shown in this window', async () => {
    const old = await seat.propose();
    assert.equal(await textAt(viewOf(old, 'prompt.md')), old.prompt);
    await seat.change(old, { content: 'Two\n' });
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
    const draft = await seat.propose();
    const { document } = await vscode.window.showTextDocument(viewOf(draft));
    await vscode.commands.executeCommand('type', { text: 'Mine' });
    assert.equal(document.getText(), 'One\n');
  });
});

describe('Open Draft Diff', () => {
  const seat = atTheEditor();

  it('shows a new draft against nothing, and then what is new', async () => {
    const draft = await seat.propose({ content: null });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const first = diffInFront();
    assert.equal(first.title, `Explain the tests: nothing ↔ now (${draft.digest?.slice(0, 8)})`);
    assert.equal(await textAt(first.left), '');
    assert.equal(await textAt(first.right), 'Explain the tests');
    assert.equal(first.tab.isPreview, true);

    const next = await seat.change(draft, { content: 'Two\n' });
    await vscode.commands.executeCommand('gimo.openDraftDiff', { kind: 'draft', id: draft.id });
    const second = diffInFront();
    assert.equal(second.title, `Explain the tests: last seen ↔ now (${next.digest?.slice(0, 8)})`);
    assert.equal(await textAt(second.left), '');
    assert.equal(await textAt(second.right), 'Two\n');
    assert.equal(second.left.path, viewOf(draft).path);
  });

  it('shows every part that is new, steps included', async () => {
    const steps = [{ id: 's1', kind: 'prompt' as const, text: 'Look\nclosely' }];
    const draft = await seat.propose({ steps });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const tabs = vscode.window.tabGroups.activeTabGroup.tabs.map(({ label }) => label);
    assert.equal(tabs.length, 3);
    assert.match(tabs.join('\n'), /\(prompt\).*\n.*\(content\).*\n.*\(steps\)/);
    assert.match(await textAt(diffInFront().right), / {4}Look\n {4}closely/);
  });

  it('shows the file that an edit would write against the one that is there', async () => {
    const file = await write('one.ts', 'const a = 1;\r\n');
    const draft = await seat.propose({ steps: [edit(['one.ts', 'const a = 2;\n'])] });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const { title, left, right } = diffInFront();
    assert.equal(left.path, file.path);
    assert.equal(await textAt(right), 'const a = 2;\n');
    assert.equal((await vscode.workspace.openTextDocument(right)).languageId, 'typescript');
    const short = draft.digest?.slice(0, 8);
    assert.equal(title, `one.ts (line ends CRLF → LF): workspace ↔ draft (${short})`);
  });

  it('compares files in UTF-16, new ones, deleted ones and a second change, in tabs', async () => {
    await write('wide.txt', Buffer.from('\ufeffWide\n', 'utf16le'));
    const steps = [edit(['wide.txt', 'Wider\n'], ['new.txt', 'New\n'])];
    const draft = await seat.propose({ steps });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const wide = diffInFront();
    assert.match(wide.title, /^wide\.txt: workspace ↔ draft/);
    assert.equal(await textAt(wide.left), 'Wide\n');
    const created = diffNamed(/^new\.txt \(new\): nothing ↔ draft/);
    assert.equal(await textAt(created.left), '');

    await write('gone.txt', 'Old\n');
    const twice = [edit(['gone.txt', 'Changed\n']), edit(['gone.txt', null])];
    const next = await seat.propose({ steps: twice });
    await vscode.commands.executeCommand('gimo.openDraftDiff', next.id);
    assert.match(diffInFront().title, /^gone\.txt \(step 1\): workspace ↔ draft/);
    const deleted = diffNamed(/^gone\.txt \(step 2, deleted\): after step 1 ↔ nothing/);
    assert.equal(await textAt(deleted.left), 'Changed\n');
    assert.equal(await textAt(deleted.right), '');
  });

  it('says that a file has changed since the draft was made', async () => {
    await write('late.txt', 'One\n');
    const draft = await seat.propose({ steps: [edit(['late.txt', 'Two\n'])] });
    await write('late.txt', 'One, by somebody else\n');
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    assert.match(diffInFront().title, /^late\.txt \(changed since the draft was made\):/);
  });

  it('opens many files in one tab', async () => {
    const changes = Array.from({ length: 30 }, (_, at): [string, string] => [`many/${at}.ts`, 'x']);
    const draft = await seat.propose({ steps: [edit(...changes)] });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    const { tabs, activeTab } = vscode.window.tabGroups.activeTabGroup;
    assert.equal(tabs.length, 1);
    assert.match(activeTab?.label ?? '', /Explain the tests: workspace ↔ draft/);
  });

  it('works for a draft that is decided, and leaves it as it is', async () => {
    const draft = await seat.propose();
    await seat.remote.call('rejectDraft', { draft_id: draft.id });
    await vscode.commands.executeCommand('gimo.openDraftDiff', draft.id);
    assert.equal(await textAt(diffInFront().right), 'One\n');
    assert.equal((await seat.now(draft)).status, 'rejected');
  });

  it('asks which draft if it is called without one', async () => {
    const draft = await seat.propose({ prompt: 'Pick me', content: null });
    seat.person.picks = 'Pick me';
    await vscode.commands.executeCommand('gimo.openDraftDiff');
    assert.equal(diffInFront().right.path, viewOf(draft, 'prompt.md').path);
  });

  it('tells what is wrong', async () => {
    await vscode.commands.executeCommand('gimo.openDraftDiff', 'd_1_abcdef');
    assert.equal(seat.person.told.length, 1);
  });
});
