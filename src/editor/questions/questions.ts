import * as vscode from 'vscode';
import type { PanelSubject } from '../../contract/panel.ts';
import { askYesNo, linesOf } from '../commands/askYesNo.ts';
import { settingIds } from '../ids.ts';
import type { Problems } from '../problems.ts';
import { withoutIcons } from '../text.ts';
import { createOpenQuestions, type OpenQuestions, type QuestionUi } from './openQuestions.ts';
import { changeRows } from './questionText.ts';

/** How long a message stands in the status bar, in milliseconds. */
const toldMs = 5000;
const reviewLabel = 'Review';

/** Whom the server of this window asks: by notifications that take no focus, and nothing that Enter says yes to. */
export function createQuestions(options: {
  review(subject: PanelSubject): void;
  /** Told how many requests are open that no draft and no run stands for. */
  requests(count: number): void;
  problems: Pick<Problems, 'tell' | 'note'>;
}): OpenQuestions {
  const ui: QuestionUi = {
    async notify(text) {
      return (await vscode.window.showInformationMessage(text, reviewLabel)) === reviewLabel;
    },
    choose,
    quiet: () =>
      vscode.workspace.getConfiguration().get<unknown>(settingIds.notifications) === false,
    requests: options.requests,
    review: options.review,
    allows,
    told: (text) => void vscode.window.setStatusBarMessage(text, toldMs),
    failed: options.problems.tell,
    note: options.problems.note,
  };
  return createOpenQuestions(ui);
}

async function choose(texts: readonly string[]): Promise<number | null> {
  const items = texts.map((text, index) => ({ label: withoutIcons(text), index }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title: 'Requests that Wait for You', placeHolder: 'Which one do you want to review?' },
  });
  return picked?.index ?? null;
}

const allows = (text: string, changes: readonly string[]): Promise<boolean> =>
  askYesNo({
    ...{ title: text, question: 'Below is what would change. Allow it?' },
    ...{ no: 'No, leave it as it is', yes: 'Allow' },
    about: [
      {
        heading: 'What would change',
        lines: linesOf(...changeRows(changes)),
      },
    ],
  });
