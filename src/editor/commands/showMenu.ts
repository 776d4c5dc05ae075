import * as vscode from 'vscode';
import { commandIds, containerId, controlCommandIds, innerCommandIds } from '../ids.ts';
import type { Server, ServerState } from '../server/server.ts';
import { standing, type Told } from '../statusBar.ts';

type Entry = vscode.QuickPickItem & { command?: string };

const open: Entry = {
  label: '$(layout-sidebar-left) Open GIMO',
  command: `workbench.view.extension.${containerId}`,
};
const log: Entry = { label: '$(output) Show Log', command: commandIds.showLog };
const start: Entry = { label: '$(play) Start Server', command: commandIds.startServer };
const trust: Entry = {
  label: '$(workspace-trusted) Manage Workspace Trust',
  command: 'workbench.trust.manage',
};
const stop: Entry = { label: '$(debug-stop) Stop Server', command: commandIds.stopServer };
const line = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });

const lockDown: Entry = { label: '$(lock) Lock Down', command: controlCommandIds.lockDown };
const resolve: Entry = {
  label: '$(unlock) Resolve Lockdown',
  command: controlCommandIds.resolveLockdown,
};

/** What is first is what a person most likely came for: what waits, or how to end a lockdown. */
function running({ waiting: { drafts, requests }, lock }: Told): readonly Entry[] {
  const answer: Entry = {
    label: '$(bell-dot) Answer What Clients Ask For',
    description: String(requests),
    command: innerCommandIds.reviewRequests,
  };
  const review: Entry = {
    label: '$(eye) Open Review Panel',
    ...(drafts === 0 ? {} : { description: `${drafts} waiting` }),
    command: commandIds.openReviewPanel,
  };
  const isLocked = lock === 'all' || lock === 'strangers';
  return [
    ...(requests === 0 ? [] : [answer]),
    ...(isLocked ? [resolve] : []),
    open,
    review,
    { label: '$(sparkle) Generate Draft', command: commandIds.generateDraft },
    { label: '$(add) New Draft', command: commandIds.newDraft },
    line('Settings'),
    { label: '$(hubot) Choose Provider', command: commandIds.chooseProvider },
    { label: '$(pulse) Check Provider', command: commandIds.checkProvider },
    { label: '$(key) Set Provider Key', command: commandIds.setProviderKey },
    { label: '$(settings-gear) Edit Configuration', command: controlCommandIds.editConfiguration },
    line('Clients'),
    { label: '$(copy) Copy Token', command: commandIds.copyToken },
    { label: '$(copy) Copy API Address', command: controlCommandIds.copyApiAddress },
    { label: '$(copy) Copy MCP Configuration', command: commandIds.copyMcpConfiguration },
    line('Server'),
    ...(lock === 'all' ? [] : [lockDown]),
    { label: '$(list-ordered) Show Audit Log', command: controlCommandIds.showAuditLog },
    { label: '$(debug-restart) Restart Server', command: commandIds.restartServer },
    stop,
    log,
  ];
}
const entries: Record<Exclude<ServerState['name'], 'running'> | 'untrusted', readonly Entry[]> = {
  untrusted: [trust, open, log],
  starting: [open, stop, log],
  stopped: [start, open, log],
  failed: [start, log, open],
};

/** The menu of the status bar: what can be done in this state of the server. */
export async function showMenu({ state }: Server, told: Told): Promise<void> {
  const now = standing(state);
  const title = now.name === 'running' ? `GIMO at ${now.host.url}` : `GIMO (${now.name})`;
  const offered = now.name === 'running' ? running(told) : entries[now.name];
  const picked = await vscode.window.showQuickPick([...offered], {
    title,
    placeHolder: 'What do you want to do?',
  });
  if (picked?.command !== undefined) await vscode.commands.executeCommand(picked.command);
}
