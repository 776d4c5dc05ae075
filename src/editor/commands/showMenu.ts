import * as vscode from 'vscode';
import { commandIds, containerId } from '../ids.ts';
import type { Server, ServerState } from '../server.ts';

type Entry = vscode.QuickPickItem & { command?: string };

const open: Entry = {
  label: '$(layout-sidebar-left) Open GIMO',
  command: `workbench.view.extension.${containerId}`,
};
const log: Entry = { label: '$(output) Show Log', command: commandIds.showLog };
const start: Entry = { label: '$(play) Start Server', command: commandIds.startServer };
const stop: Entry = { label: '$(debug-stop) Stop Server', command: commandIds.stopServer };
const line = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });

const running: readonly Entry[] = [
  open,
  { label: '$(sparkle) Generate Draft', command: commandIds.generateDraft },
  { label: '$(add) New Draft', command: commandIds.newDraft },
  line('Settings'),
  { label: '$(hubot) Choose Provider', command: commandIds.chooseProvider },
  { label: '$(pulse) Check Provider', command: commandIds.checkProvider },
  { label: '$(key) Set Provider Key', command: commandIds.setProviderKey },
  { label: '$(copy) Copy Token', command: commandIds.copyToken },
  line('Server'),
  { label: '$(debug-restart) Restart Server', command: commandIds.restartServer },
  stop,
  log,
];
const entries: Record<ServerState['name'], readonly Entry[]> = {
  running,
  starting: [open, stop, log],
  stopped: [start, open, log],
  failed: [start, log, open],
};

/** The menu of the status bar: what can be done in this state of the server. */
export async function showMenu({ state }: Server): Promise<void> {
  const title = state.name === 'running' ? `GIMO at ${state.host.url}` : `GIMO (${state.name})`;
  const picked = await vscode.window.showQuickPick([...entries[state.name]], {
    title,
    placeHolder: 'What do you want to do?',
  });
  if (picked?.command !== undefined) await vscode.commands.executeCommand(picked.command);
}
