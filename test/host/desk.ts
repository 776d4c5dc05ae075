import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'mocha';
import * as vscode from 'vscode';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { type Person, sitDown } from './person.ts';
import { notify, takeToken } from './remote.ts';

/* What the tests of the control plane share: a person at the window, and somebody else who has its admin token. */

export interface Desk {
  readonly person: Person;
  readonly url: string;
  readonly admin: string;
  /** Somebody else, over HTTP. */
  readonly remote: Client;
  /** Which row is picked in lists that the extension builds itself; undefined: the first. */
  choice: RegExp | undefined;
  /** What such lists showed. */
  listed: string[][];
  /** What the person was told. */
  told(): string;
}

const { showInputBox, createQuickPick, showOpenDialog } = vscode.window;

export const folder = () => vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail('no folder');

export const run = (command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand(`gimo.${command}`, ...given);

/** Types this into each input box from now on; undefined: Escape. */
export const types = (text: string | undefined) => {
  Object.assign(vscode.window, { showInputBox: async () => text });
};

export const clientOf = (url: string, token: string) => createClient(httpTransport(url, token));

/** Seats a person for the tests of the suite that this is called in. Before each nothing was told, picked or answered. */
export function atTheDesk(): Desk {
  let seated: Pick<Desk, 'person' | 'url' | 'admin' | 'remote'> | undefined;
  const now = () => seated ?? assert.fail('Nobody sits there before the tests run.');
  const desk: Desk = {
    get person() {
      return now().person;
    },
    get url() {
      return now().url;
    },
    get admin() {
      return now().admin;
    },
    get remote() {
      return now().remote;
    },
    choice: undefined,
    listed: [],
    told: () =>
      now()
        .person.told.map(({ message }) => message)
        .join('\n'),
  };
  before(async () => {
    const person = sitDown();
    await notify(false);
    const { url, token } = await takeToken(person, 'admin');
    seated = { person, url, admin: token, remote: clientOf(url, token) };
  });
  beforeEach(() => {
    desk.person.told.length = 0;
    desk.person.picks = undefined;
    desk.person.answers = undefined;
    desk.choice = undefined;
    desk.listed = [];
    Object.assign(vscode.window, { createQuickPick: () => answeringList(desk) });
  });
  afterEach(() => {
    Object.assign(vscode.window, { showInputBox, createQuickPick, showOpenDialog });
  });
  after(() => desk.person.leave());
  return desk;
}

/** A list that answers at once, as the desk's choice says. */
function answeringList(desk: Desk): vscode.QuickPick<vscode.QuickPickItem> {
  const picker = createQuickPick.call(vscode.window);
  const accepted = new vscode.EventEmitter<void>();
  const hidden = new vscode.EventEmitter<void>();
  return Object.assign(Object.create(picker), {
    items: [],
    selectedItems: [],
    onDidAccept: accepted.event,
    onDidHide: hidden.event,
    show(this: { items: vscode.QuickPickItem[]; selectedItems: vscode.QuickPickItem[] }) {
      desk.listed.push(this.items.map(({ label }) => label));
      const wanted = this.items.find(({ label }) => desk.choice?.test(label) ?? true);
      this.selectedItems = wanted === undefined ? [] : [wanted];
      accepted.fire();
    },
    hide: () => hidden.fire(),
    dispose: () => picker.dispose(),
  });
}
