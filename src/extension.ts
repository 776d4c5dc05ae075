import * as vscode from 'vscode';
import { registerForAgents } from './editor/agents.ts';
import { registerCommands } from './editor/commands/register.ts';
import { createControlPlane } from './editor/controlPlane.ts';
import { createDraftDocuments } from './editor/documents/documents.ts';
import { contextKeys, settingIds, viewIds } from './editor/ids.ts';
import { createLanguageModels } from './editor/languageModel.ts';
import { channelLogger } from './editor/logger.ts';
import { createProblems } from './editor/problems.ts';
import { createQuestions } from './editor/questions.ts';
import { createReviewPanels } from './editor/review/panels.ts';
import { createRunLogDocuments } from './editor/runLogs.ts';
import { createServer, type Server, type ServerState } from './editor/server.ts';
import { watchSettings } from './editor/settings.ts';
import { canServe, type HostSurroundings, joinServerOfWindow } from './editor/startHost.ts';
import { createStatusBar } from './editor/statusBar.ts';
import { createTokenNews } from './editor/tokenNews.ts';
import { createViews, type Views } from './editor/trees/views.ts';
import { createVaults } from './editor/vault.ts';

/** Milliseconds that the editor leaves an extension to shut down, with some to spare. */
const shutdownMs = 2000;

let active: Server | undefined;

/** Puts the editor's half together. The server's code is loaded when it starts, not before. */
export function activate(context: vscode.ExtensionContext): void {
  const began = performance.now();
  const channel = vscode.window.createOutputChannel('GIMO', { log: true });
  const problems = createProblems(channel);
  const status = createStatusBar();
  const runLogs = createRunLogDocuments(problems.note);
  const models = createLanguageModels(context.globalState, problems.note);
  const questions = createQuestions({
    review: (subject) => reviews.open(subject),
    requests(count) {
      status.waiting({ requests: count });
      control.requests(count);
    },
    problems,
  });
  const tokenNews = createTokenNews(problems);
  const surroundings: HostSurroundings = {
    models,
    person: questions,
    load: () => import('./http/host.ts'),
    context,
    logger: channelLogger(channel),
    version: String(context.extension.packageJSON.version),
    vaultOf: createVaults(context.secrets, tokenNews.refused),
    tokensMadeAnew: tokenNews.madeAnew,
  };

  let views: Views | undefined;
  const hostChanged = new vscode.EventEmitter<void>();
  const show = (state: ServerState) => {
    void vscode.commands.executeCommand('setContext', contextKeys.state, state.name);
    const host = state.name === 'running' ? state.host : null;
    status.show(state);
    views?.connect(host);
    runLogs.connect(host);
    questions.connect(host);
    hostChanged.fire();
    void vscode.commands.executeCommand(
      'setContext',
      contextKeys.attached,
      host?.attached === true,
    );
    if (host?.attached === false) channel.info(`The server listens at ${host.url}.`);
    if (host?.attached === true)
      channel.info(`This window is attached to the server of another one, at ${host.url}.`);
    if (state.name === 'failed') problems.tell(state.error);
  };
  const server = createServer((joining) => joinServerOfWindow(surroundings, joining), show);
  active = server;

  const onDraft = (command: string) => (id: string) =>
    void vscode.commands
      .executeCommand(command, { kind: 'draft', id })
      .then(undefined, problems.tell);
  const reviews = createReviewPanels({
    extensionUri: context.extensionUri,
    host: () => (server.state.name === 'running' ? server.state.host : null),
    onHostChange: hostChanged.event,
    decisions: { edit: onDraft('gimo.editDraft'), openDiff: onDraft('gimo.openDraftDiff') },
    problems,
  });

  const runningHost = () => (server.state.name === 'running' ? server.state.host : null);
  const control = createControlPlane({
    ...{ server, reviews, problems },
    asksAbout: (subject) => questions.asksAbout(subject) || reviews.shows(subject),
    locked: (level) => status.locked(level),
  });
  const allViews = createViews(
    (error) => problems.note(error),
    (what) => status.waiting(what),
    control,
  );
  views = allViews;
  show(server.state);

  const documents = createDraftDocuments({
    host: runningHost,
    starting: () => server.state.name === 'starting',
    onHostChange: hostChanged.event,
    memory: context.workspaceState,
    problems,
  });

  const startIfWanted = () => {
    const wanted = vscode.workspace.getConfiguration().get<unknown>(settingIds.autoStart);
    if (wanted === true && canServe()) void whileBusy(server.start());
  };
  context.subscriptions.push(
    channel,
    status,
    allViews,
    runLogs,
    questions,
    hostChanged,
    reviews,
    documents,
    registerForAgents({
      ...{ host: runningHost, onHostChange: hostChanged.event },
      ...{ version: surroundings.version, note: problems.note },
    }),
    registerCommands({
      ...{ server, views: allViews, reviews, runLogs, models, problems, status, questions },
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(startIfWanted),
    watchSettings(server, startIfWanted, problems),
  );
  channel.info(`Activated in ${(performance.now() - began).toFixed(1)} ms.`);
  startIfWanted();
}

/** Lets go of the server, and waits for it as long as the editor lets it. */
export async function deactivate(): Promise<void> {
  if (active === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, shutdownMs);
  });
  await Promise.race([active.leave(), late]);
  clearTimeout(timer);
  active = undefined;
}

function whileBusy(job: Promise<void>): Thenable<void> {
  return vscode.window.withProgress({ location: { viewId: viewIds.drafts } }, () => job);
}
