import * as vscode from 'vscode';
import type { LockLevel } from '../contract/rows/security.ts';
import { innerCommandIds } from './ids.ts';
import type { ServerState } from './server/server.ts';
import { statusLook, type Waiting } from './statusLook.ts';

/** The item in the status bar: how the server is, and how much waits. A click opens a menu. */
export interface StatusBar extends vscode.Disposable {
  show(state: ServerState): void;
  /** What waits for a person, as far as it is known anew. */
  waiting(what: Partial<Waiting>): void;
  /** How far the server is locked; null while nobody knows. */
  locked(level: LockLevel | null): void;
  /** What it tells, for the menu behind it. */
  readonly told: Told;
}

/** What the item tells beside how the server is. */
export interface Told {
  waiting: Waiting;
  lock: LockLevel | null;
}

/** How the server stands, as people see it: one that is stopped because nobody trusts the folder yet says so. */
export const standing = (state: ServerState): ServerState | { name: 'untrusted' } =>
  state.name === 'stopped' && !vscode.workspace.isTrusted ? { name: 'untrusted' } : state;

/** Beside what an editor itself shows of a folder. */
const priority = 40;

export function createStatusBar(): StatusBar {
  const item = vscode.window.createStatusBarItem(
    'gimo.status',
    vscode.StatusBarAlignment.Left,
    priority,
  );
  item.name = 'GIMO';
  item.command = innerCommandIds.showMenu;
  let state: ServerState = { name: 'stopped' };
  let told: Told = { waiting: { drafts: 0, gates: 0, requests: 0 }, lock: null };

  const draw = () => {
    // Without a folder there is nothing to tell.
    if ((vscode.workspace.workspaceFolders ?? []).length === 0) return item.hide();
    const look = statusLook(standing(state), told.waiting, told.lock);
    item.text = look.text;
    item.tooltip = look.tooltip;
    item.accessibilityInformation = { label: look.spoken, role: 'button' };
    const alarm = look.failed ? 'error' : look.locked ? 'warning' : null;
    item.backgroundColor =
      alarm === null ? undefined : new vscode.ThemeColor(`statusBarItem.${alarm}Background`);
    item.show();
  };
  const folders = vscode.workspace.onDidChangeWorkspaceFolders(draw);
  draw();
  return {
    show(next) {
      state = next;
      draw();
    },
    waiting(what) {
      told = { ...told, waiting: { ...told.waiting, ...what } };
      draw();
    },
    locked(lock) {
      told = { ...told, lock };
      draw();
    },
    get told() {
      return told;
    },
    dispose() {
      folders.dispose();
      item.dispose();
    },
  };
}
