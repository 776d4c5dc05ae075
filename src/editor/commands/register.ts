import * as vscode from 'vscode';
import type { DraftsView } from '../draftsView.ts';
import { commandIds } from '../ids.ts';
import type { Problems } from '../problems.ts';
import { openReviewPanel } from '../review/openReviewPanel.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { Server } from '../server.ts';
import { folderToServe } from '../startHost.ts';
import { copyToken } from './copyToken.ts';
import { newDraft } from './newDraft.ts';

/** Registers every command; each is given the item that it acts on, if it has one. What one of them throws is told to the person who gave it. */
export function registerCommands(
  server: Server,
  drafts: DraftsView,
  reviews: ReviewPanels,
  problems: Problems,
): vscode.Disposable {
  const jobs: Record<keyof typeof commandIds, (item: unknown) => Promise<void> | void> = {
    startServer: () => start(server),
    stopServer: () => server.stop(),
    restartServer: async () => {
      await server.stop();
      await start(server);
    },
    newDraft: () => newDraft(server),
    openReviewPanel: (item) => openReviewPanel(server, reviews, item),
    copyToken: () => copyToken(server),
    showLog: () => problems.showLog(),
    refresh: () => drafts.refresh(),
  };
  const names = Object.keys(commandIds) as (keyof typeof commandIds)[];
  return vscode.Disposable.from(
    ...names.map((name) =>
      vscode.commands.registerCommand(commandIds[name], async (item: unknown) => {
        try {
          await jobs[name](item);
        } catch (error) {
          problems.tell(error);
        }
      }),
    ),
  );
}

/** Starts it if the window has something to serve. Rejects with a `Refusal` if not. */
async function start(server: Server): Promise<void> {
  folderToServe();
  await server.start();
}
