import * as vscode from 'vscode';
import { commandIds, innerCommandIds } from '../ids.ts';
import { toldMs } from '../messages.ts';
import type { LanguageModels } from '../models/languageModel.ts';
import { type Problems, registerCommand } from '../problems.ts';
import type { OpenQuestions } from '../questions/openQuestions.ts';
import { openReviewPanel } from '../review/openReviewPanel.ts';
import type { ReviewPanels } from '../review/panels.ts';
import type { RunLogDocuments } from '../runLogs.ts';
import type { Server } from '../server/server.ts';
import { folderToServe } from '../server/startHost.ts';
import type { StatusBar } from '../statusBar.ts';
import type { Views } from '../trees/views.ts';
import { approveAgain } from './approveAgain.ts';
import { approveDraft } from './approveDraft.ts';
import { cancelRun } from './cancelRun.ts';
import { copyMcpConfiguration } from './copyMcpConfiguration.ts';
import { copyToken } from './copyToken.ts';
import { draftThisTask } from './draftThisTask.ts';
import { generateDraft } from './generateDraft.ts';
import { newDraft } from './newDraft.ts';
import { pauseRun } from './pauseRun.ts';
import { rejectDraft } from './rejectDraft.ts';
import { resumeRun } from './resumeRun.ts';
import { runApprovedArtifact } from './runApprovedArtifact.ts';
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
  status: Pick<StatusBar, 'told'>;
  questions: Pick<OpenQuestions, 'review'>;
}

/** Gets the item that it acts on, if the command was given on one. */
type Job = (item: unknown) => Promise<void> | void;

/** Commands that are not given at once, and their code. */
const later = () => import('../later.ts');

/** Registers the commands; what one of them throws is told to the person who gave it. */
export function registerCommands(parts: CommandParts): vscode.Disposable {
  const { server, problems, status, questions } = parts;
  const jobs = jobsOf(parts);
  const names = Object.keys(commandIds) as (keyof typeof commandIds)[];
  const register = (id: string, job: Job) => registerCommand(id, problems, job);
  return vscode.Disposable.from(
    ...names.map((name) => register(commandIds[name], jobs[name])),
    register(innerCommandIds.showMenu, async () => (await later()).showMenu(server, status.told)),
    register(innerCommandIds.reviewRequests, () => questions.review()),
  );
}

function jobsOf(parts: CommandParts): Record<keyof typeof commandIds, Job> {
  const { server, views, reviews, runLogs, models, problems } = parts;
  return {
    startServer: () => start(server),
    stopServer: () => server.stop(),
    restartServer: () => restart(server),
    newDraft: () => newDraft(server, reviews),
    generateDraft: (item) => generateDraft(parts, item),
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
    copyToken: (item) => copyToken(server, item),
    copyMcpConfiguration: () => copyMcpConfiguration(server),
    setProviderKey: async () => (await later()).setProviderKey(server),
    chooseProvider: async () => (await later()).chooseProvider(server, models),
    checkProvider: async () => (await later()).checkProvider(server, models, problems),
    setPlanFromActiveEditor: async () => (await later()).setPlanFromActiveEditor(server),
    showLog: () => problems.showLog(),
    refresh: () => views.refresh(),
  };
}

/** Starts it if the window has something to serve. Rejects with a `Refusal` if not. */
async function start(server: Server): Promise<void> {
  folderToServe();
  if (server.state.name === 'running')
    vscode.window.setStatusBarMessage('$(check) The server runs already.', toldMs);
  await server.start();
}

/** Restarts it where it is: one of another window goes on there, and this one stays attached. */
async function restart(server: Server): Promise<void> {
  const { state } = server;
  if (state.name === 'running' && state.host.attached) {
    await state.host.client.call('restartService', {});
    return;
  }
  await server.stop();
  await start(server);
}
