import * as vscode from 'vscode';
import {
  type EditAddress,
  editPath,
  emptyPath,
  schemes,
  type ViewAddress,
  viewPath,
} from './addresses.ts';

/** A document with nothing in it. */
export const emptyUri = vscode.Uri.from({ scheme: schemes.view, path: emptyPath });

/** Where one part of a draft can be read, as it is in this revision. */
export function viewUri(address: ViewAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: schemes.view, path: viewPath(address) });
}

/** Where a part of a draft can be edited. */
export function editUri(address: EditAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: schemes.edit, path: editPath(address) });
}
