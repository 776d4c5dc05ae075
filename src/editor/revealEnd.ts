import * as vscode from 'vscode';

/** Brings the end of a log into sight. */
export function revealEnd(editor: vscode.TextEditor): void {
  const last = editor.document.lineAt(editor.document.lineCount - 1).range;
  editor.revealRange(last, vscode.TextEditorRevealType.Default);
}
