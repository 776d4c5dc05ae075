import * as vscode from 'vscode';
import type { PanelSubject } from '../../contract/panel.ts';
import { coalesce } from '../coalesce.ts';
import { settingIds } from '../ids.ts';
import type { ReviewPanels } from '../review/panels.ts';
import { withoutIcons } from '../text.ts';
import {
  createWaitingNews,
  oneWaits,
  severalWait,
  type WaitingLists,
  type Waits,
} from './waitingNews.ts';

/** Milliseconds: what comes together is told together. */
const quietMs = 300;
const review = 'Review';

/** Tells a person, without taking the focus, that something has begun to wait for them. */
export interface Notifications extends vscode.Disposable {
  /** Takes what waits now. */
  take(lists: WaitingLists): void;
  /** Another server: what it has is not new. */
  forget(): void;
}

export function createNotifications(
  reviews: Pick<ReviewPanels, 'open'>,
  asksAbout: (subject: PanelSubject) => boolean,
  failed: (error: unknown) => void,
): Notifications {
  const news = createWaitingNews();
  let untold: Waits[] = [];
  const tell = async () => {
    // What the person is asked about they are told with the question.
    const fresh = untold.filter(({ subject }) => !asksAbout(subject));
    untold = [];
    const [first] = fresh;
    if (first === undefined) return;
    const text = fresh.length === 1 ? oneWaits(first) : severalWait;
    // Not waited for: it may stay for hours, and others have to be told meanwhile.
    void vscode.window
      .showInformationMessage(text, review)
      .then(async (picked) => {
        if (picked === review) await open(fresh);
      })
      .then(undefined, failed);
  };
  const telling = coalesce(tell, quietMs, failed, quietMs);
  const open = async (told: readonly Waits[]) => {
    const left = told.length === 1 ? told : news.all;
    const [only] = left;
    if (only === undefined) {
      vscode.window.setStatusBarMessage('Nothing waits for you any more.', 5000);
      return;
    }
    if (left.length === 1) return reviews.open(only.subject);
    // A label may hold $(codicons) of its own; a space keeps what others wrote from becoming one.
    const items = left.map(({ text, subject }) => ({
      label: withoutIcons(text),
      subject,
    }));
    const picked = await vscode.window.showQuickPick(items, {
      ...{ title: 'What Waits for You', placeHolder: 'What do you want to review?' },
    });
    if (picked !== undefined) reviews.open(picked.subject);
  };
  return {
    take(lists) {
      const wanted = vscode.workspace.getConfiguration().get<unknown>(settingIds.notifications);
      const fresh = news.take(lists).filter(() => wanted !== false);
      // What was decided meanwhile is no news.
      untold = [...untold, ...fresh].filter(({ key }) => news.all.some((one) => one.key === key));
      if (untold.length > 0) telling.request();
    },
    forget() {
      news.forget();
      untold = [];
    },
    dispose: () => telling.dispose(),
  };
}
