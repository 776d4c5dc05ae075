import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import type { WaitingLists } from '../control/waitingNews.ts';
import { contextKeys, innerCommandIds } from '../ids.ts';
import type { Waiting } from '../statusLook.ts';
import { approvedTree } from './approvedTree.ts';
import { draftsTree, waitingOf } from './draftsTree.ts';
import { createListView, type ListView } from './listView.ts';
import { createPlanView } from './planTree.ts';
import { createRunsTree, gatesOf } from './runsTree.ts';

/** The trees in the side bar. */
export interface Views extends vscode.Disposable {
  /** Shows what this server has from now on; nothing if null. */
  connect(host: Served | null): void;
  /** Reads everything again. Rejects as the client does. */
  refresh(): Promise<void>;
}

/**
 * @param failed called with what was thrown in the background
 * @param waiting called with what waits for a person, whenever that was read
 * @param control the view of the control plane, which is told of the records that wait as well
 */
export function createViews(
  failed: (error: unknown) => void,
  waiting: (what: Partial<Waiting>) => void,
  control: ListView & { waiting(lists: WaitingLists): void },
): Views {
  const lists: WaitingLists = { drafts: null, runs: null };
  const tellRecords = (what: Partial<WaitingLists>) =>
    control.waiting({ ...Object.assign(lists, what) });
  /** What a person looks for first is read first; the other views come when it is there, or cannot be read. */
  let draftsAreRead = () => {};
  const drafts = createListView(
    draftsTree,
    (error) => {
      failed(error);
      draftsAreRead();
    },
    (read) => {
      waiting({ drafts: waitingOf(read) });
      tellRecords({ drafts: read?.get('waiting')?.records ?? null });
      const some = [...(read?.values() ?? [])].some(({ records }) => records.length > 0);
      void vscode.commands.executeCommand(
        'setContext',
        contextKeys.drafted,
        some ? 'some' : undefined,
      );
      draftsAreRead();
    },
  );
  const others = [
    createListView(approvedTree, failed),
    createListView(createRunsTree(), failed, (read) => {
      waiting({ gates: gatesOf(read) });
      tellRecords({ runs: read?.get('waiting')?.records ?? null });
    }),
    createPlanView(failed),
    control,
  ];
  const views = [drafts, ...others];
  const showMore = vscode.commands.registerCommand(
    innerCommandIds.showMore,
    (viewId: string, group: string) =>
      views
        .find((view) => view.viewId === viewId)
        ?.showMore(group)
        .catch(failed),
  );
  return {
    connect(host) {
      const connectOthers = () => {
        draftsAreRead = () => {};
        for (const view of others) view.connect(host);
      };
      draftsAreRead = () => {};
      drafts.connect(host);
      if (host === null) connectOthers();
      else draftsAreRead = connectOthers;
    },
    async refresh() {
      await Promise.all(views.map((view) => view.refresh()));
    },
    dispose() {
      for (const one of [showMore, ...views]) one.dispose();
    },
  };
}
