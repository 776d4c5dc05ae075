import path from 'node:path';
import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { ChangeType } from '../../contract/events.ts';
import type { Plan } from '../../contract/records.ts';
import type { Served } from '../../http/served.ts';
import { coalesce, treeQuietMs } from '../coalesce.ts';
import { commandIds, viewIds } from '../ids.ts';
import { codeOf, messageOf } from '../messages.ts';
import { oneLine } from '../text.ts';
import { watchFolder } from '../watchFolder.ts';
import { itemOf, type ListView, moreItem } from './listView.ts';
import { type Planned, type PlannedTask, readPlanned } from './planned.ts';
import { brokenRow, noteRow, planRow, progressOf, taskRow, termRow } from './planRow.ts';
import type { Row } from './row.ts';

/** What is listed in pages. */
type Part = 'tasks' | 'constraints';
const parts: readonly Part[] = ['tasks', 'constraints'];

/** A row of the tree. That of a task names it as commands expect it: `{kind, id}`. */
type Node =
  | { kind: 'plan'; plan: Plan }
  | { kind: 'row'; key: string; row: Row }
  | { kind: 'task'; id: string; key: string; planned: PlannedTask }
  | { kind: 'more'; part: Part }
  | Broken;

/** The file of the plan, where it is none. */
interface Broken {
  kind: 'broken';
  why: string;
  file: vscode.Uri;
}

/** Changes after which the plan is read again: the state of a task follows its drafts and runs. */
const concerns: readonly ChangeType[] = ['plan', 'draft', 'run'];
const pageSize = 100;

/** The tasks of the plan, in an order in which they can be done. Read only while it can be seen. */
export function createPlanView(failed: (error: unknown) => void): ListView {
  const changed = new vscode.EventEmitter<undefined>();
  const shown: Record<Part, number> = { tasks: pageSize, constraints: pageSize };
  let client: Client | null = null;
  let file: vscode.Uri | null = null;
  let current: Planned | Broken | null = null;
  let stale = false;
  let asked = 0;
  const view = vscode.window.createTreeView<Node>(viewIds.plan, {
    treeDataProvider: providerOf(() => current, shown, changed.event),
    showCollapseAll: true,
  });
  /* A message only over an empty tree: the editor measures one that comes with rows wrongly, and the rows overflow. */
  const show = (next: Planned | Broken | null, message = '') => {
    // What is drawn twice within a fifth of a second, the editor draws only after that.
    const differs = current !== next;
    current = next;
    if (view.message !== message) view.message = message;
    view.description = next !== null && 'plan' in next ? progressOf(next) : '';
    if (differs) changed.fire(undefined);
  };
  const refresh = async () => {
    const from = client;
    if (from === null) return;
    const turn = ++asked;
    stale = false;
    try {
      const read = await readPlanned(from);
      // An answer that was overtaken, or comes from a server that is gone, tells nothing any more.
      if (from === client && turn === asked) show(read);
    } catch (error) {
      if (from !== client || turn !== asked) throw error;
      const why = oneLine(messageOf(error), 500);
      if (codeOf(error) === 'storage_error' && file !== null)
        return show({ kind: 'broken', why, file });
      show(null, `The plan cannot be read. ${why}`);
      throw error;
    }
  };
  const refreshing = coalesce(
    async () => {
      if (view.visible) await refresh();
      else stale = true;
    },
    treeQuietMs,
    failed,
  );
  const seen = view.onDidChangeVisibility(({ visible }) => {
    if (visible && stale) refreshing.request();
  });
  let subscription: vscode.Disposable = { dispose() {} };

  return {
    viewId: viewIds.plan,
    connect(host) {
      subscription.dispose();
      client = host?.client ?? null;
      file = host && vscode.Uri.file(planFileOf(host));
      for (const part of parts) shown[part] = pageSize;
      show(null);
      if (host === null) return;
      subscription = follow(host, () => refreshing.request(), failed);
      refreshing.request();
    },
    refresh,
    async showMore(group) {
      const part = parts.find((one) => one === group);
      if (part === undefined) return;
      shown[part] += pageSize;
      changed.fire(undefined);
    },
    dispose() {
      subscription.dispose();
      for (const one of [view, changed, refreshing, seen]) one.dispose();
    },
  };
}

/** Tells of changes, and of what no event tells: the file of the plan is changed by hand. */
function follow(
  host: Served,
  changed: () => void,
  failed: (error: unknown) => void,
): vscode.Disposable {
  const unsubscribe = host.onChange(({ type }) => {
    if (concerns.includes(type)) changed();
  });
  const file = planFileOf(host);
  const touched = (name: string | null) => {
    if (name === null || name === path.basename(file)) changed();
  };
  return vscode.Disposable.from(
    { dispose: unsubscribe },
    watchFolder(path.dirname(file), touched, failed),
  );
}

const planFileOf = ({ dataDir }: Served) => path.join(dataDir, 'ops', 'plan.json');

function providerOf(
  current: () => Planned | Broken | null,
  shown: Readonly<Record<Part, number>>,
  onDidChangeTreeData: vscode.Event<undefined>,
): vscode.TreeDataProvider<Node> {
  const page = <T>(
    part: Part,
    all: readonly T[],
    toNode: (one: T, nth: number) => Node,
  ): Node[] => {
    const nodes = all.slice(0, shown[part]).map(toNode);
    return all.length > nodes.length ? [...nodes, { kind: 'more', part }] : nodes;
  };
  const top = (planned: Planned): Node[] => {
    const note = noteRow(planned);
    const keyOf = keys('task');
    return [
      { kind: 'plan', plan: planned.plan },
      ...(note === null ? [] : [{ kind: 'row', key: 'note', row: note } as const]),
      ...page('tasks', planned.tasks, (one) => {
        const { id } = one.task;
        return { kind: 'task', id, key: keyOf(id), planned: one };
      }),
    ];
  };
  const topOf = (now: Planned | Broken): Node[] => ('plan' in now ? top(now) : [now]);
  const terms = ({ objective, constraints }: Plan): Node[] => {
    const keyOf = keys('constraint');
    return [
      { kind: 'row', key: 'objective', row: termRow('objective', objective) },
      ...page('constraints', constraints, (text) => {
        return { kind: 'row', key: keyOf(text), row: termRow('constraint', text) };
      }),
    ];
  };
  return {
    onDidChangeTreeData,
    getChildren(node) {
      const now = current();
      if (node === undefined) return now === null ? [] : topOf(now);
      return node.kind === 'plan' ? terms(node.plan) : [];
    },
    getTreeItem(node) {
      if (node.kind === 'plan') return planItem(node.plan);
      if (node.kind === 'broken') return brokenItem(node);
      if (node.kind === 'more') return moreItem(viewIds.plan, node.part);
      return node.kind === 'row' ? itemOf(node.key, node.row) : taskItem(node.key, node.planned);
    },
  };
}

/** Makes ids of rows that stay the same and that no two rows share, even if a file that was written by hand has two. */
function keys(kind: string): (name: string) => string {
  const met = new Map<string, number>();
  return (name) => {
    const nth = (met.get(name) ?? 0) + 1;
    met.set(name, nth);
    return `${kind}:${nth}:${name}`;
  };
}

function taskItem(key: string, planned: PlannedTask): vscode.TreeItem {
  const item = itemOf(key, taskRow(planned));
  const { draft, run } = planned;
  const opened =
    run !== null
      ? { kind: 'run', id: run.id }
      : draft !== null
        ? { kind: 'draft', id: draft.id }
        : null;
  if (opened !== null)
    item.command = {
      command: commandIds.openReviewPanel,
      title: 'Open Review Panel',
      arguments: [opened],
    };
  return item;
}

function brokenItem({ why, file }: Broken): vscode.TreeItem {
  const item = itemOf('broken', brokenRow(why));
  item.command = { command: 'vscode.open', title: 'Open the File', arguments: [file] };
  return item;
}

function planItem(plan: Plan): vscode.TreeItem {
  const item = itemOf('plan', planRow(plan));
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  return item;
}
