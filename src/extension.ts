import * as vscode from 'vscode';
import { registerForAgents } from './editor/agents/agents.ts';
import { registerCommands } from './editor/commands/register.ts';
import { createControlPlane } from './editor/controlPlane.ts';
import { createDraftDocuments } from './editor/documents/documents.ts';
import { commandIds, contextKeys, documentCommandIds, settingIds, viewIds } from './editor/ids.ts';
import { channelLogger } from './editor/logger.ts';
import { createLanguageModels } from './editor/models/languageModel.ts';
import { createProblems } from './editor/problems.ts';
import { createQuestions } from './editor/questions/questions.ts';
import { createReviewPanels } from './editor/review/panels.ts';
import { createRunLogDocuments } from './editor/runLogs.ts';
import { createServer, hostIn, type Server, type ServerState } from './editor/server/server.ts';
import { watchSettings } from './editor/server/settings.ts';
import { canServe, type HostSurroundings, joinServerOfWindow } from './editor/server/startHost.ts';
import { createTokenNews } from './editor/server/tokenNews.ts';
import { createVaults } from './editor/server/vault.ts';
import { createStatusBar } from './editor/statusBar.ts';
import { createViews, type Views } from './editor/trees/views.ts';
import type { Served } from './http/served.ts';

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
    const host = hostIn(state);
    tellContext(state);
    status.show(state);
    views?.connect(host);
    runLogs.connect(host);
    questions.connect(host);
    hostChanged.fire();
    noteHost(host, channel);
    if (state.name === 'failed') problems.tell(state.error);
  };
  const server = createServer((joining) => joinServerOfWindow(surroundings, joining), show);
  active = server;
  const runningHost = () => hostIn(server.state);

  const onDraft = (command: string) => (id: string) =>
    void vscode.commands
      .executeCommand(command, { kind: 'draft', id })
      .then(undefined, problems.tell);
  const reviews = createReviewPanels({
    extensionUri: context.extensionUri,
    ...{ host: runningHost, onHostChange: hostChanged.event },
    decisions: {
      edit: onDraft(documentCommandIds.editDraft),
      openDiff: onDraft(documentCommandIds.openDraftDiff),
      generateAgain: onDraft(commandIds.generateDraft),
    },
    problems,
  });

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

/** Sets what `when` clauses ask for. */
function tellContext(state: ServerState): void {
  const attached = hostIn(state)?.attached === true;
  void vscode.commands.executeCommand('setContext', contextKeys.state, state.name);
  void vscode.commands.executeCommand('setContext', contextKeys.attached, attached);
}

function noteHost(host: Served | null, channel: vscode.LogOutputChannel): void {
  if (host === null) return;
  channel.info(
    host.attached
      ? `This window is attached to the server of another one, at ${host.url}.`
      : `The server listens at ${host.url}.`,
  );
}

function whileBusy(job: Promise<void>): Thenable<void> {
  return vscode.window.withProgress({ location: { viewId: viewIds.drafts } }, () => job);
}
