import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { PanelSubject } from '../../contract/panel.ts';
import type { Served } from '../../http/served.ts';
import { coalesce } from '../coalesce.ts';
import { askYesNo } from '../commands/askYesNo.ts';
import { controlCommandIds, reviewViewType } from '../ids.ts';
import type { Problems } from '../problems.ts';
import { folderToServe } from '../server/startHost.ts';
import { undoQuestion } from '../undone.ts';
import { pageOf } from './page.ts';
import type { Session } from './session.ts';
import { keyOf } from './subject.ts';

export interface ReviewPanelOptions {
  extensionUri: vscode.Uri;
  /** The server of this window; null while there is none. */
  host(): Served | null;
  onHostChange: vscode.Event<void>;
  /** What other parts of the editor do for a draft. */
  decisions: {
    edit(id: string): void;
    openDiff(id: string): void;
    generateAgain(id: string): void;
  };
  problems: Pick<Problems, 'tell' | 'note'>;
}

/** The review panels of this window: at most one for each record. */
export interface ReviewPanels extends vscode.Disposable {
  /** Shows a record; reveals its panel if there is one. */
  open(subject: PanelSubject, options?: { preserveFocus?: boolean }): void;
  /** Whether a person can see a record's panel now. */
  shows(subject: PanelSubject): boolean;
  /** Whether a panel of this window has rendered a draft with exactly this digest, since the window loaded. */
  hasRendered(draftId: string, digest: string): boolean;
}

interface Open {
  panel: vscode.WebviewPanel;
  session: Promise<Session>;
  changed(event: Parameters<Session['concerns']>[0] | null): void;
}

/** Milliseconds: long enough for a burst of changes, too short to be seen. */
const quietMs = 50;

const loadSession = () => import('./session.ts');

export function createReviewPanels(options: ReviewPanelOptions): ReviewPanels {
  const { host, problems } = options;
  const resources = vscode.Uri.joinPath(options.extensionUri, 'dist', 'webview');
  const webviewOptions = {
    enableScripts: true,
    enableForms: false,
    localResourceRoots: [resources],
  };
  const opened = new Map<string, Open>();
  const rendered = new Set<string>();
  let unsubscribe = () => {};

  const follow = () => {
    unsubscribe();
    unsubscribe =
      host()?.onChange((event) => {
        for (const one of opened.values()) one.changed(event);
      }) ?? (() => {});
    for (const one of opened.values()) one.changed(null);
  };

  const open: ReviewPanels['open'] = (subject, { preserveFocus = false } = {}) => {
    const found = opened.get(keyOf(subject));
    if (found !== undefined) return found.panel.reveal(undefined, preserveFocus);
    const where = { viewColumn: vscode.ViewColumn.Active, preserveFocus };
    attach(
      vscode.window.createWebviewPanel(reviewViewType, 'Review', where, webviewOptions),
      subject,
    );
  };

  const resolveLockdown = () =>
    void vscode.commands
      .executeCommand(controlCommandIds.resolveLockdown)
      .then(undefined, problems.tell);

  const attach = (panel: vscode.WebviewPanel, subject: PanelSubject) => {
    let again: NodeJS.Timeout | undefined;
    const session = loadSession().then(({ createSession }) =>
      createSession({
        ...{ subject, open },
        decisions: {
          ...options.decisions,
          ...{ resolveLockdown, confirmUndo: () => confirmUndo(panel.title) },
        },
        root: folderToServe,
        client: () => host()?.client ?? null,
        post: (message) => void panel.webview.postMessage(message),
        rendered: (id, digest) => rendered.add(`${id} ${digest}`),
        titled(title) {
          panel.title = title;
        },
        readAgainIn(ms) {
          // No event tells that an approval has expired: only the clock does.
          clearTimeout(again);
          again = setTimeout(records.request, ms);
        },
        note: problems.note,
      }),
    );
    session.catch(problems.tell);
    const records = coalesce(async () => (await session).refresh(), quietMs, problems.note);
    const logs = coalesce(async () => (await session).refreshLog(), quietMs, problems.note);
    const changed: Open['changed'] = (event) => {
      session
        .then((now) => {
          const what = event === null ? 'record' : now.concerns(event);
          if (what === 'record') records.request();
          if (what === 'log') logs.request();
        })
        .catch(problems.note);
    };
    opened.set(keyOf(subject), { panel, session, changed });
    const owned = [
      records,
      logs,
      watchFiles(session, records.request, problems.note),
      panel.webview.onDidReceiveMessage(async (raw: unknown) => (await session).receive(raw)),
      // A hidden panel is unloaded, and says that it is ready when it is shown again.
      panel.onDidChangeViewState(async () => {
        if (!panel.visible) (await session).pause();
        // Whoever comes back may have saved, or left unsaved, what it compares with.
        else if (panel.active) records.request();
      }),
    ];
    panel.onDidDispose(async () => {
      opened.delete(keyOf(subject));
      clearTimeout(again);
      for (const one of owned) one.dispose();
      (await session).pause();
    });
    panel.iconPath = iconsIn(options.extensionUri);
    panel.webview.options = webviewOptions;
    panel.webview.html = htmlOf(panel.webview, resources);
  };

  const serializer = vscode.window.registerWebviewPanelSerializer(reviewViewType, {
    async deserializeWebviewPanel(panel, state: unknown) {
      const subject = (await loadSession()).recall(state);
      if (subject === null || opened.has(keyOf(subject))) panel.dispose();
      else attach(panel, subject);
    },
  });
  const subscription = options.onHostChange(follow);
  follow();
  return {
    open,
    shows: (subject) => opened.get(keyOf(subject))?.panel.visible ?? false,
    hasRendered: (draftId, digest) => rendered.has(`${draftId} ${digest}`),
    dispose() {
      unsubscribe();
      subscription.dispose();
      serializer.dispose();
      for (const { panel } of [...opened.values()]) panel.dispose();
    },
  };
}

/** Looks again when a file changes that a panel compares with: which those are changes with the draft. */
function watchFiles(
  session: Promise<Session>,
  look: () => void,
  note: (error: unknown) => void,
): vscode.Disposable {
  const changed = ({ fsPath }: vscode.Uri) =>
    session
      .then((now) => {
        if (now.concernsFile(fsPath)) look();
      })
      .catch(note);
  const files = vscode.workspace.createFileSystemWatcher('**/*');
  return vscode.Disposable.from(
    files,
    files.onDidChange(changed),
    files.onDidCreate(changed),
    files.onDidDelete(changed),
    vscode.workspace.onDidSaveTextDocument(({ uri }) => changed(uri)),
  );
}

/** @param what begins with "Run" */
const confirmUndo = (what: string) =>
  askYesNo({
    title: `Undo ${what}`,
    ...undoQuestion,
    about: [],
  });

function iconsIn(extension: vscode.Uri): { light: vscode.Uri; dark: vscode.Uri } {
  return {
    light: vscode.Uri.joinPath(extension, 'media', 'gimo-light.svg'),
    dark: vscode.Uri.joinPath(extension, 'media', 'gimo-dark.svg'),
  };
}

function htmlOf(webview: vscode.Webview, resources: vscode.Uri): string {
  const uriOf = (file: string) =>
    webview.asWebviewUri(vscode.Uri.joinPath(resources, file)).toString();
  return pageOf({
    nonce: randomBytes(18).toString('base64url'),
    script: uriOf('panel.js'),
    style: uriOf('panel.css'),
    cspSource: webview.cspSource,
  });
}
