import * as vscode from 'vscode';
import { commandIds } from '../ids.ts';
import type { Problems } from '../problems.ts';

/** What a person is told about tokens that are new although there were some. */
export interface TokenNews {
  /** The editor keeps no secrets now, and threw this. */
  refused(error: unknown): void;
  /** It had none of this folder any more. */
  madeAnew(): void;
}

const copyToken = 'Copy Token';
const showLog = 'Show Log';

/** Tells it once for each window: where nothing is kept, every start would have the same to say. */
export function createTokenNews(problems: Pick<Problems, 'note' | 'tell' | 'showLog'>): TokenNews {
  let told = false;
  const tell = (message: string) => {
    if (told) return;
    told = true;
    void vscode.window
      .showWarningMessage(message, copyToken, showLog)
      .then(async (picked) => {
        if (picked === showLog) problems.showLog();
        if (picked === copyToken) await vscode.commands.executeCommand(commandIds.copyToken);
      })
      .then(undefined, problems.tell);
  };
  return {
    refused(error) {
      problems.note(error);
      tell(
        'The editor cannot keep the GIMO tokens on this computer (is there a keyring?). They are new, and last until this window closes, so your clients need them again.',
      );
    },
    madeAnew: () =>
      tell(
        'The editor has no GIMO tokens of this folder any more (another computer or profile?), so they are new. Your clients need them again: the old ones are refused. Keys of providers are gone with them.',
      ),
  };
}
