import * as vscode from 'vscode';
import { commandIds, settingIds } from '../ids.ts';
import type { Problems } from '../problems.ts';
import type { Server } from './server.ts';
import { corsOrigins, publicUrl } from './startHost.ts';

const restart = 'Restart Server';

/** Settings that can keep a server from starting. */
const needed = [
  settingIds.port,
  settingIds.publicUrl,
  settingIds.corsOrigins,
  settingIds.dataDirectory,
];

/**
 * Acts on settings that change while the window is open, and tells a person at once if one cannot be used.
 *
 * @param startIfWanted starts the server, if settings and folder ask for it
 */
export function watchSettings(
  server: Server,
  startIfWanted: () => void,
  problems: Pick<Problems, 'tell'>,
): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    const changed = (setting: string) => change.affectsConfiguration(setting);
    // Whoever mends a setting of a server that could not start wants it to start.
    if (server.state.name === 'failed' && needed.some(changed)) return startIfWanted();
    try {
      if (changed(settingIds.publicUrl)) publicUrl();
      if (changed(settingIds.corsOrigins)) corsOrigins();
    } catch (error) {
      problems.tell(error);
    }
    if (changed(settingIds.dataDirectory) && server.state.name === 'running')
      offerRestart(problems);
  });
}

function offerRestart(problems: Pick<Problems, 'tell'>): void {
  const message =
    'GIMO looks in the new data directory from the next start on. What it has now stays where it is.';
  void vscode.window
    .showInformationMessage(message, restart)
    .then(async (picked) => {
      if (picked === restart) await vscode.commands.executeCommand(commandIds.restartServer);
    })
    .then(undefined, problems.tell);
}
