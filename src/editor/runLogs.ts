import * as vscode from 'vscode';
import type { Served } from '../http/served.ts';
import { coalesce } from './coalesce.ts';
import { schemes } from './ids.ts';
import { codeOf } from './messages.ts';
import { revealEnd } from './revealEnd.ts';
import { logLines } from './text.ts';

/** Milliseconds: a log that is written is drawn so often at most. */
const quietMs = 100;

/** Logs of runs as documents that can only be read; one that is open follows its run. */
export interface RunLogDocuments extends vscode.Disposable {
  /** Follows the runs of this server from now on; what is open stays as it is while there is none. */
  connect(host: Served | null): void;
  show(runId: string, preserveFocus: boolean): Promise<void>;
}

/** What was read of a log: how many entries, and their text. */
interface Followed {
  count: number;
  text: string;
}

/** @param failed told what went wrong in the background */
export function createRunLogDocuments(failed: (error: unknown) => void): RunLogDocuments {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const followed = new Map<string, Followed>();
  const stale = new Set<string>();
  let host: Served | null = null;
  let unsubscribe = () => {};

  /** Reads what has come since. Rejects as the client does. */
  const read = async (runId: string): Promise<string> => {
    const before = followed.get(runId) ?? { count: 0, text: '' };
    if (host === null)
      return before.text === '' ? 'The GIMO server is not running.\n' : before.text;
    const { entries } = await host.client.call('getRunLog', { run_id: runId, after: before.count });
    // Another read may have been faster: of what both read, only the rest is new.
    const now = followed.get(runId) ?? { count: 0, text: '' };
    const fresh = entries.slice(Math.max(0, now.count - before.count));
    const text = now.text + logLines(fresh);
    followed.set(runId, { count: now.count + fresh.length, text });
    return text === '' ? 'Nothing is logged yet.\n' : text;
  };
  const provider: vscode.TextDocumentContentProvider = {
    onDidChange: changed.event,
    async provideTextDocumentContent(uri) {
      try {
        return await read(runOf(uri));
      } catch (error) {
        if (codeOf(error) !== 'not_found') throw error;
        return `${followed.get(runOf(uri))?.text ?? ''}This run is no longer kept.\n`;
      }
    },
  };
  const drawing = coalesce(
    async () => {
      const open = vscode.workspace.textDocuments.filter(
        ({ uri }) => uri.scheme === schemes.runLog && stale.has(runOf(uri)),
      );
      stale.clear();
      for (const { uri } of open) changed.fire(uri);
    },
    quietMs,
    failed,
  );

  const owned = [
    changed,
    drawing,
    vscode.workspace.registerTextDocumentContentProvider(schemes.runLog, provider),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === schemes.runLog) followed.delete(runOf(uri));
    }),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (document.uri.scheme === schemes.runLog) followEnd(document, contentChanges);
    }),
  ];
  return {
    connect(next) {
      unsubscribe();
      host = next;
      unsubscribe =
        next?.onChange(({ type, id }) => {
          if (id === null || (type !== 'log' && type !== 'run')) return;
          stale.add(id);
          drawing.request();
        }) ?? (() => {});
      if (next === null) return;
      for (const { uri } of vscode.workspace.textDocuments)
        if (uri.scheme === schemes.runLog) stale.add(runOf(uri));
      drawing.request();
    },
    async show(runId, preserveFocus) {
      const uri = vscode.Uri.from({ scheme: schemes.runLog, path: `/${runId}.log` });
      const document = await vscode.workspace.openTextDocument(uri);
      const shown = await vscode.window.showTextDocument(document, {
        preserveFocus,
        preview: true,
      });
      revealEnd(shown);
    },
    dispose() {
      unsubscribe();
      for (const one of owned) one.dispose();
    },
  };
}

/** Keeps the end in sight of those who looked at it before the change. */
function followEnd(
  document: vscode.TextDocument,
  changes: readonly vscode.TextDocumentContentChangeEvent[],
) {
  const added = changes.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
  const lastBefore = document.lineCount - 1 - added;
  for (const editor of vscode.window.visibleTextEditors) {
    if (editor.document !== document) continue;
    const seen = Math.max(...editor.visibleRanges.map(({ end }) => end.line));
    if (seen >= lastBefore - 1) revealEnd(editor);
  }
}

const runOf = (uri: vscode.Uri): string => uri.path.slice(1).replace(/\.log$/, '');
