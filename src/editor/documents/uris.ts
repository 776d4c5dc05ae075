import * as vscode from 'vscode';
import {
  type EditAddress,
  editPath,
  emptyPath,
  schemes,
  type ViewAddress,
  viewPath,
  type WriteAddress,
  writeQuery,
} from './addresses.ts';

/** A document with nothing in it. */
export const emptyUri = vscode.Uri.from({ scheme: schemes.view, path: emptyPath });

/** Where one part of a draft can be read, as it is in this revision. */
export function viewUri(address: ViewAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: schemes.view, path: viewPath(address) });
}

/** Where can be read what an edit step writes. @param file where it writes that */
export function writeUri(address: WriteAddress, file: vscode.Uri): vscode.Uri {
  return vscode.Uri.from({
    ...{ scheme: schemes.view, path: file.path, query: writeQuery(address) },
  });
}

/** Where a part of a draft can be edited. */
export function editUri(address: EditAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: schemes.edit, path: editPath(address) });
}
