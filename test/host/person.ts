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
  leave(): void;
}

/** Puts a person in front of the editor. */
export function sitDown(): Person {
  const { showQuickPick, showInformationMessage, showWarningMessage, showErrorMessage } =
    vscode.window;
  const told: Question[] = [];
  const person: Person = {
    picks: undefined,
    answers: undefined,
    told,
    leave() {
      Object.assign(vscode.window, {
        ...{ showQuickPick, showInformationMessage, showWarningMessage, showErrorMessage },
      });
    },
  };
  const tell = async (message: string, ...rest: unknown[]) => {
    const offers = rest.filter((one) => typeof one === 'string');
    told.push({ message, offers });
    return offers.find((one) => one === person.answers);
  };
  Object.assign(vscode.window, {
    async showQuickPick(items: Thenable<vscode.QuickPickItem[]> | vscode.QuickPickItem[]) {
      const rows = await items;
      return person.picks === undefined
        ? rows[0]
        : rows.find(({ label }) => label === person.picks);
    },
    ...{ showInformationMessage: tell, showWarningMessage: tell, showErrorMessage: tell },
  });
  return person;
}
