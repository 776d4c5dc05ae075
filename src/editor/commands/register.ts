import * as vscode from 'vscode';
import { commandIds, innerCommandIds } from '../ids.ts';
import type { LanguageModels } from '../languageModel.ts';
import type { Problems } from '../problems.ts';
import { openReviewPanel } from '../review/openReviewPanel.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { RunLogDocuments } from '../runLogs.ts';
import type { Server } from '../server.ts';
import { folderToServe } from '../startHost.ts';
import type { Views } from '../trees/views.ts';
import { approveAgain } from './approveAgain.ts';
import { approveDraft } from './approveDraft.ts';
import { cancelRun } from './cancelRun.ts';
import { checkProvider } from './checkProvider.ts';
import { chooseProvider } from './chooseProvider.ts';
import { copyToken } from './copyToken.ts';
import { draftThisTask } from './draftThisTask.ts';
import { generateDraft } from './generateDraft.ts';
import { newDraft } from './newDraft.ts';
import { pauseRun } from './pauseRun.ts';
import { rejectDraft } from './rejectDraft.ts';
import { resumeRun } from './resumeRun.ts';
import { runApprovedArtifact } from './runApprovedArtifact.ts';
import { setPlanFromActiveEditor } from './setPlanFromActiveEditor.ts';
import { setProviderKey } from './setProviderKey.ts';
import { showMenu } from './showMenu.ts';
import { showRunLog } from './showRunLog.ts';
import { undoRun } from './undoRun.ts';

/** What commands act through. */
export interface CommandParts {
  server: Server;
  views: Views;
  reviews: ReviewPanels;
  runLogs: RunLogDocuments;
  models: LanguageModels;
  problems: Problems;
}

/** Gets the item that it acts on, if the command was given on one. */
type Job = (item: unknown) => Promise<void> | void;

/** Registers the commands; what one of them throws is told to the person who gave it. */
export function registerCommands(parts: CommandParts): vscode.Disposable {
  const { server, problems } = parts;
  const jobs = jobsOf(parts);
  const names = Object.keys(commandIds) as (keyof typeof commandIds)[];
  const register = (id: string, job: Job) =>
    vscode.commands.registerCommand(id, async (item: unknown) => {
      try {
        await job(item);
      } catch (error) {
        problems.tell(error);
      }
    });
  return vscode.Disposable.from(
    ...names.map((name) => register(commandIds[name], jobs[name])),
    register(innerCommandIds.showMenu, () => showMenu(server)),
  );
}

function jobsOf(parts: CommandParts): Record<keyof typeof commandIds, Job> {
  const { server, views, reviews, runLogs, models, problems } = parts;
  return {
    startServer: () => start(server),
    stopServer: () => server.stop(),
    restartServer: async () => {
      await server.stop();
      await start(server);
    },
    newDraft: () => newDraft(server),
    generateDraft: () => generateDraft(server, reviews, problems, models),
    openReviewPanel: (item) => openReviewPanel(server, reviews, item),
    approveDraft: (item) => approveDraft(server, reviews, false, item),
    approveAndRunDraft: (item) => approveDraft(server, reviews, true, item),
    rejectDraft: (item) => rejectDraft(server, item),
    runApprovedArtifact: (item) => runApprovedArtifact(server, item),
    approveAgain: (item) => approveAgain(server, reviews, item),
    cancelRun: (item) => cancelRun(server, item),
    pauseRun: (item) => pauseRun(server, item),
    resumeRun: (item) => resumeRun(server, item),
    undoRun: (item) => undoRun(server, item),
    draftThisTask: (item) => draftThisTask(server, reviews, problems, models, item),
    showRunLog: (item) => showRunLog(server, runLogs, item),
    copyToken: () => copyToken(server),
    setProviderKey: () => setProviderKey(server),
    chooseProvider: () => chooseProvider(server, models),
    checkProvider: () => checkProvider(server, models, problems),
    setPlanFromActiveEditor: () => setPlanFromActiveEditor(server),
    showLog: () => problems.showLog(),
    refresh: () => views.refresh(),
  };
}

/** Starts it if the window has something to serve. Rejects with a `Refusal` if not. */
async function start(server: Server): Promise<void> {
  folderToServe();
  await server.start();
}
