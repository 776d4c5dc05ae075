import * as vscode from 'vscode';
import { messageOf } from '../messages.ts';
import { emptyPath, parseViewPath, schemes, type ViewAddress } from './addresses.ts';
import type { LastSeen } from './lastSeen.ts';
import { revisionOf } from './revision.ts';
import type { Shown } from './shown.ts';
import { codeOf, type PatientSource } from './source.ts';

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

  const textOf = async ({ id, revision, part }: ViewAddress, uri: vscode.Uri) => {
    const known = shown.find(id, revision) ?? lastSeen.find(id, revision);
    if (known !== null) return known.parts[part];
    const host = await source.soon();
    if (host === null) {
      unserved.set(uri.toString(), uri);
      return words.noServer;
    }
    const now = revisionOf(await host.client.call('getDraft', { draft_id: id }));
    if (now.revision !== revision) return words.changed;
    shown.add(id, now);
    return now.parts[part];
  };

  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerTextDocumentContentProvider(schemes.view, {
      onDidChange: changed.event,
      async provideTextDocumentContent(uri) {
        if (uri.path === emptyPath) return '';
        const address = parseViewPath(uri.path);
        if (address === null) return words.noAddress;
        try {
          return await textOf(address, uri);
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
