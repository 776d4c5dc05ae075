import * as vscode from 'vscode';
import type { Served } from '../http/served.ts';
import type { Control, ControlOptions } from './control/control.ts';
import type { ControlNode } from './control/node.ts';
import type { WaitingLists } from './control/waitingNews.ts';
import { type ControlCommand, controlCommandIds, viewIds } from './ids.ts';
import { registerCommand } from './problems.ts';
import { counted } from './text.ts';
import { agesKeptFresh, type ListView } from './trees/listView.ts';

/** The view Control Plane and its commands. What is behind them is loaded when there is a server, or a command is given. */
export interface ControlPlane extends ListView {
  /** Takes what waits for a person, to tell them of what is new. */
  waiting(lists: WaitingLists): void;
  /** Shows how many requests wait that no draft and no run stands for. */
  requests(count: number): void;
}

export function createControlPlane(options: Omit<ControlOptions, 'changed'>): ControlPlane {
  const { problems } = options;
  const redrawn = new vscode.EventEmitter<undefined>();
  const view = vscode.window.createTreeView<ControlNode>(viewIds.controlPlane, {
    treeDataProvider: {
      onDidChangeTreeData: redrawn.event,
      getChildren: (node) => [
        ...(node === undefined ? (control?.rows() ?? []) : (node.children ?? [])),
      ],
      // There are rows only once it is loaded.
      getTreeItem: (node) => control?.itemOf(node) ?? new vscode.TreeItem(node.row.label),
    },
  });
  let control: Control | undefined;
  let loading: Promise<Control> | undefined;
  let host: Served | null = null;
  let lists: WaitingLists | null = null;
  let requested = 0;
  let disposed = false;
  const changed = () => redrawn.fire(undefined);
  const load = () => {
    loading ??= import('./later.ts').then(({ createControl }) => {
      const made = createControl({ ...options, changed });
      if (disposed) made.dispose();
      control = made;
      made.connect(host);
      if (lists !== null) made.waiting(lists);
      made.requests(requested);
      return made;
    });
    return loading;
  };
  const register = (name: ControlCommand) =>
    registerCommand(controlCommandIds[name], problems, async (item, selected) =>
      (await load()).run(name, item, selected),
    );
  const names = Object.keys(controlCommandIds) as ControlCommand[];
  const owned = [redrawn, view, agesKeptFresh(view, redrawn), ...names.map(register)];
  return {
    viewId: viewIds.controlPlane,
    connect(next) {
      host = next;
      control?.connect(next);
      if (next !== null) load().catch(problems.tell);
    },
    refresh: async () => control?.refresh(),
    showMore: async () => {},
    waiting(next) {
      lists = next;
      control?.waiting(next);
    },
    requests(count) {
      requested = count;
      const tooltip = `${counted(count, 'request')} ${count === 1 ? 'waits' : 'wait'} for you`;
      view.badge = count === 0 ? undefined : { value: count, tooltip };
      control?.requests(count);
    },
    dispose() {
      disposed = true;
      control?.dispose();
      for (const one of owned) one.dispose();
    },
  };
}
