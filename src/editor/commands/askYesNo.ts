import * as vscode from 'vscode';
import type { StepLine } from '../steps.ts';
import { asRows, withoutIcons } from '../text.ts';

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

/** Texts as lines to be read, whole and without notes. */
export const linesOf = (...texts: readonly string[]): StepLine[] =>
  texts.flatMap(asRows).map((text) => ({ text, note: '' }));

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
    { label: withoutIcons(heading) },
    ...lines.map(({ text, note }) => ({
      label: indent + withoutIcons(text),
      description: withoutIcons(note),
    })),
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
