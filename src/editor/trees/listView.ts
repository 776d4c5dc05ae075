import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import type { ChangeType } from '../../contract/events.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import type { Served } from '../../http/served.ts';
import { coalesce, treeQuietMs } from '../coalesce.ts';
import { commandIds, innerCommandIds } from '../ids.ts';
import { createListModel, type ListModel, type Lists, type ReadPage } from './listModel.ts';
import type { Row } from './row.ts';

/** What a tree shows, and how. */
export interface ListSpec<G extends string, T> {
  viewId: string;
  kind: PanelSubject['kind'];
  /** In this order; one that is empty is not shown. A tree with a single group without a title is flat. */
  groups: readonly { name: G; title: string }[];
  read: ReadPage<G, T>;
  /** Changes after which the records are read again. */
  concerns: readonly ChangeType[];
  idOf(record: T): string;
  rowOf(record: T, now: number): Row;
  /** Whether a group is open when it is seen for the first time. */
  opens(group: G, lists: Lists<G, T>): boolean;
  /** What a record expands into. Rejects as the client does. */
  parts?(client: Client, record: T): Promise<readonly Row[]>;
  badge?(lists: Lists<G, T>): vscode.ViewBadge | undefined;
}

export interface ListView extends vscode.Disposable {
  readonly viewId: string;
  /** Shows the records of this server from now on; none if null. */
  connect(host: Served | null): void;
  /** Reads the records again. Rejects as the client does. */
  refresh(): Promise<void>;
  /** Shows one page more of a group. Rejects as the client does. */
  showMore(group: string): Promise<void>;
}

/** A row of a tree. That of a record names it as commands expect it: `{kind, id}`. */
type Node<G extends string, T> =
  | { kind: 'group'; group: G }
  | { kind: 'more'; group: G }
  | { kind: PanelSubject['kind']; id: string; record: T }
  | { kind: 'part'; id: string; row: Row };

const minuteMs = 60_000;

/**
 * @param failed called with what a refresh in the background threw
 * @param read called after the records were read, or forgotten (null)
 */
export function createListView<G extends string, T>(
  spec: ListSpec<G, T>,
  failed: (error: unknown) => void,
  read: (lists: Lists<G, T> | null) => void = () => {},
): ListView {
  const changed = new vscode.EventEmitter<undefined>();
  const names = spec.groups.map(({ name }) => name);
  const model = createListModel(names, spec.read, () => {
    changed.fire(undefined);
    view.badge = model.lists === null ? undefined : spec.badge?.(model.lists);
    read(model.lists);
  });
  const view = vscode.window.createTreeView<Node<G, T>>(spec.viewId, {
    treeDataProvider: providerOf(spec, model, changed.event, failed),
    showCollapseAll: true,
  });
  const refreshing = coalesce(() => model.refresh(), treeQuietMs, failed);
  const owned = [view, changed, refreshing, agesKeptFresh(view, changed)];
  let unsubscribe = () => {};

  return {
    viewId: spec.viewId,
    connect(host) {
      unsubscribe();
      unsubscribe = () => {};
      model.connect(host?.client ?? null);
      if (host === null) return;
      unsubscribe = host.onChange((event) => {
        if (spec.concerns.includes(event.type)) refreshing.request();
      });
      refreshing.request();
    },
    refresh: () => model.refresh(),
    async showMore(group) {
      const name = names.find((one) => one === group);
      if (name !== undefined) await model.showMore(name);
    },
    dispose() {
      unsubscribe();
      for (const one of owned) one.dispose();
    },
  };
}

function providerOf<G extends string, T>(
  spec: ListSpec<G, T>,
  model: ListModel<G, T>,
  onDidChangeTreeData: vscode.Event<undefined>,
  failed: (error: unknown) => void,
): vscode.TreeDataProvider<Node<G, T>> {
  const inGroup = (group: G): Node<G, T>[] => {
    const { records = [], more = false } = model.lists?.get(group) ?? {};
    const nodes = records.map((record): Node<G, T> => {
      return { kind: spec.kind, id: spec.idOf(record), record };
    });
    return more ? [...nodes, { kind: 'more', group }] : nodes;
  };
  const top = (): Node<G, T>[] => {
    const filled = spec.groups.filter(({ name }) => (model.lists?.get(name)?.total ?? 0) > 0);
    const [only] = spec.groups;
    if (spec.groups.length === 1 && only !== undefined) return inGroup(only.name);
    return filled.map(({ name }) => ({ kind: 'group', group: name }));
  };
  const partsOf = async (id: string, record: T): Promise<Node<G, T>[]> => {
    const { client } = model;
    if (client === null || spec.parts === undefined) return [];
    try {
      const rows = await spec.parts(client, record);
      return rows.map((row, index) => ({ kind: 'part', id: `${id}/${index}`, row }));
    } catch (error) {
      failed(error);
      return [];
    }
  };
  return {
    onDidChangeTreeData,
    getChildren(node) {
      if (node === undefined) return top();
      if ('record' in node) return partsOf(node.id, node.record);
      return node.kind === 'group' ? inGroup(node.group) : [];
    },
    getTreeItem(node) {
      if ('record' in node) return recordItem(spec, node.id, node.record);
      if (node.kind === 'part') return itemOf(node.id, node.row);
      if (node.kind === 'more') return moreItem(spec.viewId, node.group);
      return groupItem(spec, node.group, model.lists ?? new Map());
    },
  };
}

/** Draws the rows again every minute while they can be seen, since they tell how old the records are. */
export function agesKeptFresh<N>(
  view: Pick<vscode.TreeView<N>, 'visible' | 'onDidChangeVisibility'>,
  changed: vscode.EventEmitter<undefined>,
): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const update = (visible: boolean) => {
    clearInterval(timer);
    timer = visible ? setInterval(() => changed.fire(undefined), minuteMs) : undefined;
  };
  update(view.visible);
  const subscription = view.onDidChangeVisibility((event) => update(event.visible));
  return {
    dispose() {
      subscription.dispose();
      update(false);
    },
  };
}

function groupItem<G extends string, T>(
  spec: ListSpec<G, T>,
  group: G,
  lists: Lists<G, T>,
): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const title = spec.groups.find(({ name }) => name === group)?.title ?? group;
  const { total = 0, counted = true } = lists.get(group) ?? {};
  const told = counted ? String(total) : `${total}+`;
  const item = new vscode.TreeItem(title, spec.opens(group, lists) ? Expanded : Collapsed);
  item.id = `group:${group}`;
  item.description = told;
  item.contextValue = `group;${group};`;
  item.accessibilityInformation = { label: `${title}, ${told}` };
  return item;
}

/** The last row of a page: a click shows one page more. */
export function moreItem(viewId: string, group: string): vscode.TreeItem {
  const item = new vscode.TreeItem('Show more');
  item.id = `more:${group}`;
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = {
    command: innerCommandIds.showMore,
    title: 'Show more',
    arguments: [viewId, group],
  };
  return item;
}

function recordItem<G extends string, T>(
  spec: ListSpec<G, T>,
  id: string,
  record: T,
): vscode.TreeItem {
  const item = itemOf(id, spec.rowOf(record, Date.now()));
  if (spec.parts !== undefined) item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  item.command = {
    command: commandIds.openReviewPanel,
    title: 'Open Review Panel',
    arguments: [{ kind: spec.kind, id }],
  };
  return item;
}

/** A row as the editor draws it. */
export function itemOf(
  id: string,
  row: Omit<Row, 'icon'> & Partial<Pick<Row, 'icon'>>,
): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label);
  item.id = id;
  item.description = row.description;
  item.contextValue = row.contextValue;
  const { icon } = row;
  if (icon !== undefined)
    item.iconPath = new vscode.ThemeIcon(icon.id, new vscode.ThemeColor(icon.color));
  const tooltip = new vscode.MarkdownString(row.tooltip);
  tooltip.isTrusted = false;
  tooltip.supportHtml = false;
  item.tooltip = tooltip;
  item.accessibilityInformation = { label: row.spoken };
  return item;
}
