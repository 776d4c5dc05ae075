import * as vscode from 'vscode';
import { commandIds } from '../ids.ts';

const setKey = 'Set Provider Key';
const choose = 'Choose Provider';

/** @param why the active provider gave no answer: where its key is to blame, it says so */
export const providerWaysOut = (why: string): string[] =>
  /\bkey\b/i.test(why) ? [setKey, choose] : [choose];

/** @param picked one of {@link providerWaysOut}; anything else does nothing */
export async function takeWayOut(picked: string | undefined): Promise<void> {
  if (picked === setKey) await vscode.commands.executeCommand(commandIds.setProviderKey);
  if (picked === choose) await vscode.commands.executeCommand(commandIds.chooseProvider);
}
