import * as vscode from 'vscode';
import type { ChangeEvent } from '../contract/events.ts';
import type { DraftListItem } from '../contract/operations.ts';
import type { PanelSubject } from '../contract/panel.ts';
import type { Host } from '../http/host.ts';
import { coalesce } from './coalesce.ts';
import { draftRow } from './draftRow.ts';
import {
  createDraftsModel,
  type DraftGroupName,
  type DraftsModel,
  draftGroups,
} from './draftsModel.ts';
import { commandIds, rowCommandIds, viewIds } from './ids.ts';

type Row =
  | { kind: 'group'; group: DraftGroupName }
  | { kind: 'draft'; draft: DraftListItem }
  | { kind: 'more'; group: DraftGroupName };

const groupTitles: Record<DraftGroupName, string> = { waiting: 'Waiting', settled: 'Settled' };

/** Milliseconds: long enough for a burst of changes, too short to be seen. */
const quietMs = 50;
const minuteMs = 60_000;

/** The Drafts tree and its badge. */
export interface DraftsView extends vscode.Disposable {
  /** Shows the drafts of this server from now on; of none if null. */
  connect(host: Host | null): void;
  /** Reads the drafts again. Rejects as the client does. */
  refresh(): Promise<void>;
}

/** @param failed called with what a refresh in the background threw */
export function createDraftsView(failed: (error: unknown) => void): DraftsView {
  const changed = new vscode.EventEmitter<undefined>();
  const model = createDraftsModel(() => {
    changed.fire(undefined);
    view.badge = badgeOf(model.drafts?.waiting.total ?? 0);
  });
  const view = vscode.window.createTreeView<Row>(viewIds.drafts, {
    treeDataProvider: providerOf(model, changed.event),
    showCollapseAll: true,
  });
  const refreshing = coalesce(() => model.refresh().catch(failed), quietMs);
  const showMore = vscode.commands.registerCommand(
    rowCommandIds.showMore,
    (group: DraftGroupName) => model.showMore(group).catch(failed),
  );
  const owned = [showMore, view, changed, refreshing, agesKeptFresh(view, changed)];
  let unsubscribe = () => {};

  return {
    connect(host) {
      unsubscribe();
      unsubscribe = () => {};
      model.connect(host?.client ?? null);
      if (host === null) return;
      unsubscribe = host.onChange((event: ChangeEvent) => {
        if (event.type === 'draft') refreshing.request();
      });
      refreshing.request();
    },
    refresh: () => model.refresh(),
    dispose() {
      unsubscribe();
      for (const one of owned) one.dispose();
    },
  };
}

function providerOf(
  model: DraftsModel,
  onDidChangeTreeData: vscode.Event<undefined>,
): vscode.TreeDataProvider<Row> {
  const groups = (): Row[] => {
    const { drafts } = model;
    if (drafts === null) return [];
    const filled = draftGroups.filter((group) => drafts[group].drafts.length > 0);
    return filled.map((group) => ({ kind: 'group', group }));
  };
  const inGroup = (row: Row): Row[] => {
    const { drafts } = model;
    if (row.kind !== 'group' || drafts === null) return [];
    const { drafts: shown, more } = drafts[row.group];
    const rows = shown.map((draft): Row => ({ kind: 'draft', draft }));
    return more ? [...rows, { kind: 'more', group: row.group }] : rows;
  };
  return {
    onDidChangeTreeData,
    getChildren: (row) => (row === undefined ? groups() : inGroup(row)),
    getTreeItem(row) {
      if (row.kind === 'draft') return draftItem(row.draft);
      if (row.kind === 'more') return moreItem(row.group);
      const nothingWaits = (model.drafts?.waiting.total ?? 0) === 0;
      const total = model.drafts?.[row.group].total ?? 0;
      return groupItem(row.group, total, row.group === 'waiting' || nothingWaits);
    },
  };
}

function badgeOf(waiting: number): vscode.ViewBadge | undefined {
  if (waiting === 0) return undefined;
  const tooltip = waiting === 1 ? '1 draft waits for you' : `${waiting} drafts wait for you`;
  return { value: waiting, tooltip };
}

/** Draws the rows again every minute while they can be seen, since they tell how old the drafts are. */
function agesKeptFresh(
  view: vscode.TreeView<Row>,
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

function groupItem(group: DraftGroupName, total: number, open: boolean): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(groupTitles[group], open ? Expanded : Collapsed);
  item.id = `group:${group}`;
  item.description = String(total);
  item.contextValue = `group;${group};`;
  item.accessibilityInformation = { label: `${groupTitles[group]}, ${total}` };
  return item;
}

function moreItem(group: DraftGroupName): vscode.TreeItem {
  const item = new vscode.TreeItem('Show more');
  item.id = `more:${group}`;
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = { command: rowCommandIds.showMore, title: 'Show more', arguments: [group] };
  return item;
}

function draftItem(draft: DraftListItem): vscode.TreeItem {
  const row = draftRow(draft, Date.now());
  const item = new vscode.TreeItem(row.label);
  item.id = draft.id;
  item.description = row.description;
  item.contextValue = row.contextValue;
  const { id, color } = row.icon;
  item.iconPath = new vscode.ThemeIcon(id, new vscode.ThemeColor(color));
  const tooltip = new vscode.MarkdownString(row.tooltip);
  tooltip.isTrusted = false;
  tooltip.supportHtml = false;
  item.tooltip = tooltip;
  item.accessibilityInformation = { label: row.spoken };
  const subject: PanelSubject = { kind: 'draft', id: draft.id };
  item.command = { command: commandIds.openReviewPanel, title: 'Review', arguments: [subject] };
  return item;
}
