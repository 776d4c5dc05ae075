import * as vscode from 'vscode';
import { innerCommandIds } from './ids.ts';
import type { ServerState } from './server.ts';
import { statusLook, type Waiting } from './statusLook.ts';

/** The item in the status bar: how the server is, and how much waits. A click opens a menu. */
export interface StatusBar extends vscode.Disposable {
  show(state: ServerState): void;
  /** What waits for a person. */
  waiting(what: Waiting): void;
}

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
  let waiting: Waiting = { drafts: 0, gates: 0 };

  const draw = () => {
    // Without a folder there is nothing to tell.
    if ((vscode.workspace.workspaceFolders ?? []).length === 0) return item.hide();
    const look = statusLook(state, waiting);
    item.text = look.text;
    item.tooltip = look.tooltip;
    item.accessibilityInformation = { label: look.spoken, role: 'button' };
    item.backgroundColor = look.failed
      ? new vscode.ThemeColor('statusBarItem.errorBackground')
      : undefined;
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
      waiting = what;
      draw();
    },
    dispose() {
      folders.dispose();
      item.dispose();
    },
  };
}
