import * as vscode from 'vscode';
import { isInTheOpen } from '../models/providerChoices.ts';

/**
 * Asks for the key of a provider, and says where it will be sent.
 *
 * @param optional whether it may stay empty
 * @returns the key, empty if none is needed, or undefined if the person gave up
 */
export async function askForKey(
  title: string,
  origin: string,
  optional: boolean,
): Promise<string | undefined> {
  const open = isInTheOpen(origin) ? ' Without encryption: others on the way can read it.' : '';
  const empty = optional ? ' Leave it empty if none is needed.' : '';
  const key = await vscode.window.showInputBox({
    title,
    prompt: `It is kept in the editor's secret store, and sent to ${origin} only.${open}${empty} \${env:NAME} reads an environment variable instead.`,
    placeHolder: 'Key',
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => keyProblem(text, optional),
  });
  return key?.trim();
}

function keyProblem(text: string, optional: boolean): string | undefined {
  const key = text.trim();
  if (key === '') return optional ? undefined : 'Paste the key.';
  return /[\s\p{Cc}]/u.test(key) ? 'A key is one word, without spaces or line ends.' : undefined;
}
