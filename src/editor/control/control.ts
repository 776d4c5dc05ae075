import path from 'node:path';
import * as vscode from 'vscode';
import type { ChangeType } from '../../contract/events.ts';
import type { PanelSubject } from '../../contract/panel.ts';
import type { LockLevel } from '../../contract/rows/security.ts';
import type { Served } from '../../http/served.ts';
import { coalesce, treeQuietMs } from '../coalesce.ts';
import { type ControlCommand, contextKeys } from '../ids.ts';
import type { Problems } from '../problems.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server/server.ts';
import { itemOf } from '../trees/listView.ts';
import { watchFolder } from '../watchFolder.ts';
import { allowCommandLine } from './allowCommandLine.ts';
import { createAuditDocument, showAuditLog, verifyAuditLog } from './auditLog.ts';
import { letClientsRead, stopClientsReading } from './clientsReading.ts';
import { copyApiAddress, copyOpenApiDocument } from './copying.ts';
import { editConfiguration } from './editConfiguration.ts';
import { nextEnd } from './expiry.ts';
import { type AuditVerdict, type Facts, readFacts } from './facts.ts';
import { lockDown, resolveLockdown } from './lockdown.ts';
import type { ControlNode } from './node.ts';
import { createNotifications } from './notifications.ts';
import { createChangeDocuments, reviewOutsideChanges } from './outsideChanges.ts';
import type { ControlParts } from './parts.ts';
import { rotateToken } from './rotateToken.ts';
import { controlRows } from './rows.ts';
import type { WaitingLists } from './waitingNews.ts';

/*
 * The control plane of the editor: what its view shows, and its commands. It is loaded when a server runs or a command of
 * it is given, since to activate it would be too much.
 */

export interface ControlOptions {
  server: Server;
  reviews: Pick<ReviewPanels, 'open'>;
  /** Whether the person is being asked about a record, or looks at it. */
  asksAbout(subject: PanelSubject): boolean;
  problems: Problems;
  /** Called with how far the server is locked; null while nobody knows. */
  locked(level: LockLevel | null): void;
  /** Called when there is something else to see. */
  changed(): void;
}

export interface Control extends vscode.Disposable {
  /** Shows this server from now on; nothing if null. */
  connect(host: Served | null): void;
  /** Reads everything again. Rejects as the client does. */
  refresh(): Promise<void>;
  /** Gives one of the commands, on an item and on all that is selected with it. Rejects as the client does. */
  run(command: ControlCommand, item: unknown, selected: unknown): Promise<void>;
  rows(): readonly ControlNode[];
  itemOf(node: ControlNode): vscode.TreeItem;
  /** Takes what waits for a person, to tell them of what is new. */
  waiting(lists: WaitingLists): void;
  /** Shows how many requests wait that no draft and no run stands for. */
  requests(count: number): void;
}

/** Changes after which it is read again. */
const concerns: readonly ChangeType[] = [
  ...(['approved', 'config', 'provider', 'changes', 'panic', 'server'] as const),
];

export function createControl(options: ControlOptions): Control {
  const { server, problems, changed } = options;
  const audit = createAuditDocument(problems.note);
  const changeDocuments = createChangeDocuments();
  const notifications = createNotifications(options.reviews, options.asksAbout, problems.tell);
  let host: Served | null = null;
  let facts: Facts | null = null;
  let verdict: AuditVerdict | null = null;
  let requests = 0;
  let asked = 0;
  let ends: NodeJS.Timeout | undefined;
  let subscriptions: vscode.Disposable = { dispose() {} };

  const show = (next: Facts | null) => {
    const differs = facts !== next;
    facts = next;
    clearTimeout(ends);
    const wait = next === null ? null : nextEnd(next.allowed, Date.now());
    if (wait !== null) ends = setTimeout(() => refreshing.request(), wait);
    tellContext(next);
    options.locked(next?.security.level ?? null);
    if (differs) changed();
  };
  const refresh = async () => {
    const from = host;
    if (from === null) return;
    const turn = ++asked;
    const read = await readFacts(from, Date.now);
    // An answer that was overtaken, or comes from a server that is gone, tells nothing any more.
    if (from === host && turn === asked) show(read);
  };
  const refreshing = coalesce(refresh, treeQuietMs, problems.note);
  const parts: ControlParts = {
    ...{ server, problems, refresh },
    verified(found) {
      verdict = found;
      changed();
    },
  };
  const jobs: Record<ControlCommand, (item: unknown, selected: unknown) => Promise<void>> = {
    rotateToken: (item) => rotateToken(parts, item),
    editConfiguration: (item) => editConfiguration(parts, item),
    showAuditLog: () => showAuditLog(parts, audit),
    verifyAuditLog: () => verifyAuditLog(parts, audit),
    lockDown: () => lockDown(parts),
    resolveLockdown: () => resolveLockdown(parts),
    reviewOutsideChanges: (item) => reviewOutsideChanges(parts, changeDocuments, item),
    allowCommandLine: () => allowCommandLine(parts),
    copyApiAddress: () => copyApiAddress(parts),
    copyOpenApiDocument: () => copyOpenApiDocument(parts),
    letClientsRead: (item, selected) => letClientsRead(parts, item, selected),
    stopClientsReading: (item, selected) => stopClientsReading(parts, item, selected),
  };
  return {
    connect(next) {
      subscriptions.dispose();
      host = next;
      verdict = null;
      notifications.forget();
      audit.connect(next);
      show(null);
      if (next === null) return;
      const told = { changed: () => refreshing.request(), written: () => audit.written() };
      subscriptions = follow(next, told, problems.note);
      refreshing.request();
    },
    refresh,
    run: (command, item, selected) => jobs[command](item, selected),
    rows: () => (facts === null ? [] : controlRows({ facts, verdict, requests }, Date.now())),
    itemOf: controlItem,
    waiting: notifications.take,
    requests(count) {
      requests = count;
      changed();
    },
    dispose() {
      subscriptions.dispose();
      clearTimeout(ends);
      for (const one of [refreshing, audit, changeDocuments, notifications]) one.dispose();
    },
  };
}

/** Tells of changes, and of what no event tells: entries of the audit, and records that were set aside. */
function follow(
  host: Served,
  told: { changed(): void; written(): void },
  failed: (error: unknown) => void,
): vscode.Disposable {
  const unsubscribe = host.onChange(({ type }) => {
    if (concerns.includes(type)) told.changed();
    told.written();
  });
  const watch = (name: string, job: () => void) =>
    watchFolder(path.join(host.dataDir, 'ops', name), job, failed);
  return vscode.Disposable.from(
    { dispose: unsubscribe },
    watch('audit', told.written),
    watch('quarantine', told.changed),
  );
}

/** Keys that `when` clauses ask for. */
function tellContext(facts: Facts | null): void {
  const set = (key: string, value: string | undefined) =>
    void vscode.commands.executeCommand('setContext', key, value);
  set(contextKeys.lockdown, facts?.security.level);
  set(contextKeys.provider, facts?.provider.entry?.type);
  set(contextKeys.approved, facts?.hasApproved === true ? 'some' : undefined);
}

function controlItem(node: ControlNode): vscode.TreeItem {
  const item = itemOf(node.key, node.row);
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
  const expands = node.children !== undefined && node.children.length > 0;
  item.collapsibleState = !expands ? None : node.open === true ? Expanded : Collapsed;
  if (node.click !== undefined)
    item.command = { command: node.click, title: node.row.label, arguments: [node] };
  return item;
}
