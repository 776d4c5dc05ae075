import * as vscode from 'vscode';
import type { StepLine } from '../steps.ts';

/** A question, and what there is to read before the answer. */
export interface YesNo {
  title: string;
  /** What is asked. */
  question: string;
  /** The first row, and what Enter means. */
  no: string;
  yes: string;
  /** What a yes is about, whole: under headings, a row each. */
  about: readonly { heading: string; lines: readonly StepLine[] }[];
}

/** Plain spaces at the start of a row are not shown. */
const indent = '\u2003';

type Entry = vscode.QuickPickItem & { answer?: boolean };

/**
 * Asks. A list and not a modal, because the first button of a modal is the one that Enter presses: here that is "no".
 * The rows after the two answers are there to be read; picking one of them answers nothing.
 *
 * @returns whether the answer is yes
 */
export function askYesNo({ title, question, no, yes, about }: YesNo): Promise<boolean> {
  const picker = vscode.window.createQuickPick<Entry>();
  const rows = about.flatMap(({ heading, lines }): Entry[] => [
    // A separator with a label would take room from the row under it, and cut that off.
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: plain(heading) },
    ...lines.map(({ text, note }) => ({ label: indent + plain(text), description: plain(note) })),
  ]);
  picker.title = title;
  picker.placeholder = question;
  picker.ignoreFocusOut = true;
  picker.items = [
    { label: `$(close) ${no}`, alwaysShow: true, answer: false },
    { label: `$(check) ${yes}`, alwaysShow: true, answer: true },
    ...rows,
  ];
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      const answer = picker.selectedItems[0]?.answer;
      if (answer === undefined) return;
      resolve(answer);
      picker.hide();
    });
    picker.onDidHide(() => {
      resolve(false);
      picker.dispose();
    });
    picker.show();
  });
}

/** A label may hold $(codicons) of its own; a space keeps what others wrote from becoming one. */
const plain = (text: string) => text.replaceAll('$(', '$ (');
