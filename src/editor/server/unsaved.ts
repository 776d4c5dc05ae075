import * as vscode from 'vscode';

/**
 * The files that are open in an editor with changes that are not saved, of whatever kind that editor is.
 *
 * @returns absolute paths
 */
export function unsavedFiles(): readonly string[] {
  const { textDocuments, notebookDocuments } = vscode.workspace;
  const documents = [...textDocuments, ...notebookDocuments].filter(({ isDirty }) => isDirty);
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const custom = tabs.flatMap(({ input, isDirty }) =>
    isDirty && input instanceof vscode.TabInputCustom ? [input] : [],
  );
  const uris = [...documents, ...custom].map(({ uri }) => uri);
  // In a remote, the extension host knows the files beside it as `file`; other hosts of the protocol may not.
  const onDisk = uris.filter(({ scheme }) => scheme === 'file' || scheme === 'vscode-remote');
  return [...new Set(onDisk.map(({ fsPath }) => fsPath))];
}
