import assert from 'node:assert/strict';
import { after, afterEach, before } from 'mocha';
import * as vscode from 'vscode';
import type { Client } from '../../src/client/client.ts';
import type { Args, Draft } from '../../src/contract/operations.ts';
import { type Person, sitDown } from './person.ts';
import { startRemote } from './remote.ts';

/* What the tests of drafts in normal editors share. */

export interface Seat {
  readonly person: Person;
  /** Somebody else: a script with a token, over HTTP. */
  remote: Client;
  propose(more?: Partial<Args['createDraft']>): Promise<Draft>;
  change(draft: Draft, more: Partial<Args['editDraft']>): Promise<Draft>;
  now(draft: Draft): Promise<Draft>;
}

/** Seats a person for the tests of the suite that this is called in. After each no editor is open, and nothing told. */
export function atTheEditor(): Seat {
  let seated: { person: Person; remote: Client } | undefined;
  const there = () => seated ?? assert.fail('Nobody sits there before the tests run.');
  before(async () => {
    const person = sitDown();
    seated = { person, remote: await startRemote(person) };
  });
  after(() => there().person.leave());
  afterEach(async () => {
    const { person } = there();
    person.told.length = 0;
    person.answers = undefined;
    person.picks = undefined;
    while (vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0))
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });
  return {
    get person() {
      return there().person;
    },
    get remote() {
      return there().remote;
    },
    set remote(client) {
      there().remote = client;
    },
    propose: (more = {}) =>
      there().remote.call('createDraft', {
        prompt: 'Explain the tests',
        content: 'One\n',
        ...more,
      }),
    change: (draft, more) => there().remote.call('editDraft', { draft_id: draft.id, ...more }),
    now: (draft) => there().remote.call('getDraft', { draft_id: draft.id }),
  };
}

export const viewOf = (draft: Draft, file = 'content.md') =>
  vscode.Uri.parse(`gimo:/drafts/${draft.id}/${draft.digest}/${file}`);

export const textAt = async (uri: vscode.Uri) =>
  (await vscode.workspace.openTextDocument(uri)).getText();

/** The diff in front. */
export interface OpenDiff {
  title: string;
  left: vscode.Uri;
  right: vscode.Uri;
  tab: vscode.Tab;
}

export function diffIn(tab: vscode.Tab | undefined): OpenDiff {
  assert(tab?.input instanceof vscode.TabInputTextDiff, `There is ${tab?.label}`);
  return { title: tab.label, left: tab.input.original, right: tab.input.modified, tab };
}

export const diffInFront = () => diffIn(vscode.window.tabGroups.activeTabGroup.activeTab);
