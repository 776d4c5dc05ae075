import * as vscode from 'vscode';
import { codeOf, messageOf } from '../messages.ts';
import {
  emptyPath,
  parseViewPath,
  parseWriteQuery,
  schemes,
  type WriteAddress,
} from './addresses.ts';
import type { LastSeen } from './lastSeen.ts';
import { type Revision, revisionOf, type Texts } from './revision.ts';
import type { Shown } from './shown.ts';
import type { PatientSource } from './source.ts';

/* What a tab says that cannot show its draft. */
const words = {
  noAddress: 'This is no address of GIMO. Open the draft from the Drafts view.\n',
  noServer:
    'The GIMO server is not running in this window, so this draft cannot be shown. Start the server.\n',
  gone: 'This draft does not exist any more.\n',
  changed: 'This draft has changed since this tab was opened. Open the diff again.\n',
};

interface ViewsOptions {
  source: PatientSource;
  shown: Shown;
  lastSeen: LastSeen;
}

/** Registers the read-only documents of `gimo:`. They are what a person reviews, so nothing in them is redacted. */
export function registerDraftViews({ source, shown, lastSeen }: ViewsOptions): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const unserved = new Map<string, vscode.Uri>();

  /** The revision from the server; a text in its place where it cannot be had. */
  const fetched = async (id: string, revision: string, uri: vscode.Uri) => {
    const host = await source.soon();
    if (host === null) {
      unserved.set(uri.toString(), uri);
      return words.noServer;
    }
    const now = revisionOf(await host.client.call('getDraft', { draft_id: id }));
    if (now.revision !== revision) return words.changed;
    shown.add(id, now);
    return now;
  };
  const textOf = async (uri: vscode.Uri): Promise<string> => {
    const write = parseWriteQuery(uri.query);
    const view = parseViewPath(uri.path);
    if (write !== null) {
      const { id, revision } = write;
      const writes = shown.find(id, revision)?.writes;
      const known = writes === undefined ? await fetched(id, revision, uri) : { writes };
      return typeof known === 'string' ? known : written(known, write);
    }
    if (view === null) return words.noAddress;
    const { id, revision, part } = view;
    const known: Texts | string =
      shown.find(id, revision) ?? lastSeen.find(id, revision) ?? (await fetched(id, revision, uri));
    return typeof known === 'string' ? known : known.parts[part];
  };

  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerTextDocumentContentProvider(schemes.view, {
      onDidChange: changed.event,
      async provideTextDocumentContent(uri) {
        if (uri.path === emptyPath && uri.query === '') return '';
        try {
          return await textOf(uri);
        } catch (error) {
          return codeOf(error) === 'not_found' ? words.gone : `${messageOf(error)}\n`;
        }
      },
    }),
    source.onHostChange(() => {
      if (source.host() === null) return;
      const waiting = [...unserved.values()];
      unserved.clear();
      for (const uri of waiting) changed.fire(uri);
    }),
  );
}

/** What a change writes; nothing if it deletes its file. */
function written({ writes }: Pick<Revision, 'writes'>, at: WriteAddress): string {
  const found = writes.find(({ step, change }) => step === at.step && change === at.change);
  return found === undefined ? words.noAddress : (found.text ?? '');
}
