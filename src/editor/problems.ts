import * as vscode from 'vscode';
import { detailsOf, isRefusal, messageOf } from './messages.ts';

/** The one place where what was thrown becomes a message. */
export interface Problems {
  /** Tells the person, and logs it unless it is a `Refusal`. */
  tell(error: unknown): void;
  /** Logs it only: for what was not asked for by a person just now. */
  note(error: unknown): void;
  showLog(): void;
}

const showLog = 'Show Log';

export function createProblems(channel: vscode.LogOutputChannel): Problems {
  const offerLog = (picked: string | undefined) => {
    if (picked === showLog) channel.show();
  };
  return {
    tell(error) {
      if (isRefusal(error)) {
        void vscode.window.showInformationMessage(error.message);
        return;
      }
      channel.error(detailsOf(error));
      void vscode.window.showErrorMessage(messageOf(error), showLog).then(offerLog);
    },
    note(error) {
      channel.warn(detailsOf(error));
    },
    showLog: () => channel.show(),
  };
}
