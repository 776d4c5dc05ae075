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
        const { message, wayOut } = error;
        const buttons = wayOut === undefined ? [] : [wayOut.label];
        void vscode.window.showInformationMessage(message, ...buttons).then((picked) => {
          if (wayOut !== undefined && picked === wayOut.label)
            return vscode.commands.executeCommand(wayOut.command);
        });
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

/** Registers a command. What it throws is told to the person who gave it. */
export function registerCommand(
  id: string,
  problems: Pick<Problems, 'tell'>,
  job: (item: unknown, selected: unknown) => Promise<void> | void,
): vscode.Disposable {
  return vscode.commands.registerCommand(id, async (item: unknown, selected: unknown) => {
    try {
      await job(item, selected);
    } catch (error) {
      problems.tell(error);
    }
  });
}
