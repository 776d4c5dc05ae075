import { watch } from 'node:fs';
import * as vscode from 'vscode';

/**
 * Tells when something in a folder of the records changes that no event tells of. The editor's own watcher leaves out what
 * `files.watcherExclude` names, and folders that were made in the same moment as the one around them.
 *
 * @param changed called with the name of what changed; null where the system does not say which
 * @param failed told that it cannot be watched, or no longer: what is shown is then as old as the last event
 */
export function watchFolder(
  folder: string,
  changed: (name: string | null) => void,
  failed: (error: unknown) => void,
): vscode.Disposable {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => changed(name));
    watcher.on('error', (error) => {
      failed(error);
      watcher.close();
    });
    return new vscode.Disposable(() => watcher.close());
  } catch (error) {
    failed(error);
    return new vscode.Disposable(() => undefined);
  }
}
