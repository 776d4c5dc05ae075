import * as vscode from 'vscode';

/*
 * What a person does that no API can: the host under test shows no notification and opens no dialog, so their answers
 * are given here. All else is the real editor.
 */

/** A question that the extension has asked. */
export interface Question {
  message: string;
  offers: string[];
}

export interface Person {
  /** Picks this label in quick picks; the first row if undefined. */
  picks: string | undefined;
  /** Answers a notification with this, undefined: leaves it alone. */
  answers: string | undefined;
  /** What was told and asked so far. */
  readonly told: Question[];
  /** Resolves once something was told that matches: a notification, or a message in the status bar. */
  untilTold(text: RegExp): Promise<string>;
  leave(): void;
}

/** Puts a person in front of the editor. */
export function sitDown(): Person {
  const { showQuickPick, showInformationMessage, showWarningMessage, showErrorMessage } =
    vscode.window;
  const { setStatusBarMessage } = vscode.window;
  const told: Question[] = [];
  const said = new vscode.EventEmitter<string>();
  const person: Person = {
    picks: undefined,
    answers: undefined,
    told,
    untilTold(text) {
      const found = told.find(({ message }) => text.test(message));
      if (found !== undefined) return Promise.resolve(found.message);
      return new Promise((resolve) => {
        const listening = said.event((message) => {
          if (!text.test(message)) return;
          listening.dispose();
          resolve(message);
        });
      });
    },
    leave() {
      Object.assign(vscode.window, {
        ...{ showQuickPick, showInformationMessage, showWarningMessage, showErrorMessage },
        setStatusBarMessage,
      });
    },
  };
  const tell = async (message: string, ...rest: unknown[]) => {
    const offers = rest.filter((one) => typeof one === 'string');
    told.push({ message, offers });
    said.fire(message);
    return offers.find((one) => one === person.answers);
  };
  Object.assign(vscode.window, {
    async showQuickPick(items: Thenable<vscode.QuickPickItem[]> | vscode.QuickPickItem[]) {
      const rows = await items;
      return person.picks === undefined
        ? rows[0]
        : rows.find(({ label }) => label === person.picks);
    },
    setStatusBarMessage(message: string) {
      said.fire(message);
      return new vscode.Disposable(() => {});
    },
    ...{ showInformationMessage: tell, showWarningMessage: tell, showErrorMessage: tell },
  });
  return person;
}
