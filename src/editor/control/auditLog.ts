import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { coalesce } from '../coalesce.ts';
import { needsHost } from '../commands/needsHost.ts';
import { schemes } from '../ids.ts';
import { revealEnd } from '../revealEnd.ts';
import { auditText } from './auditText.ts';
import type { ControlParts } from './parts.ts';
import { verdictWords } from './words.ts';

/** Lines: as many as the wire gives at once. */
const shown = 500;
/** Milliseconds: a log that is written is drawn so often at most. */
const quietMs = 200;
const showLog = 'Show Audit Log';

/** The audit log as a document that can only be read, the newest entry last. It follows what is done while it is open. */
export interface AuditDocument extends vscode.Disposable {
  connect(host: Served | null): void;
  /** Something may have been written. */
  written(): void;
  show(): Promise<void>;
}

const address = vscode.Uri.from({ scheme: schemes.audit, path: '/audit.log' });

/** @param failed told what went wrong in the background */
export function createAuditDocument(failed: (error: unknown) => void): AuditDocument {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  let host: Served | null = null;
  let text = '';
  const read = async () => {
    if (host === null) return text === '' ? 'The GIMO server is not running.\n' : text;
    const { lines } = await host.client.call('getUiAudit', { limit: shown });
    const head = lines.length < shown ? '' : `The last ${shown} entries; the files hold all.\n`;
    text = lines.length === 0 ? 'Nothing is audited yet.\n' : head + auditText(lines);
    return text;
  };
  const isOpen = () => vscode.workspace.textDocuments.some(({ uri }) => isAudit(uri));
  const drawing = coalesce(
    async () => {
      if (isOpen()) changed.fire(address);
    },
    quietMs,
    failed,
  );
  const owned = [
    ...[changed, drawing],
    vscode.workspace.registerTextDocumentContentProvider(schemes.audit, {
      onDidChange: changed.event,
      provideTextDocumentContent: read,
    }),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (isAudit(document.uri)) followEnd(document);
    }),
  ];
  return {
    connect(next) {
      host = next;
      drawing.request();
    },
    written: () => drawing.request(),
    async show() {
      const document = await vscode.workspace.openTextDocument(address);
      changed.fire(address);
      const editor = await vscode.window.showTextDocument(document, { preview: true });
      revealEnd(editor);
    },
    dispose() {
      for (const one of owned) one.dispose();
    },
  };
}

const isAudit = ({ scheme }: vscode.Uri) => scheme === schemes.audit;

/** Keeps the end in sight, unless somebody has put the cursor somewhere to read. */
function followEnd(document: vscode.TextDocument) {
  for (const editor of vscode.window.visibleTextEditors)
    if (editor.document === document && editor.selection.isEmpty && editor.selection.end.line === 0)
      revealEnd(editor);
}

/** Shows the audit log. */
export async function showAuditLog({ server }: ControlParts, log: AuditDocument): Promise<void> {
  if ((await needsHost(server)) !== null) await log.show();
}

/** Checks the whole audit log, and says in words what came of it. Rejects as the client does. */
export async function verifyAuditLog(
  { server, verified, problems }: ControlParts,
  log: AuditDocument,
) {
  const host = await needsHost(server);
  if (host === null) return;
  const found = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Verifying the audit log' },
    () => host.client.call('verifyAudit', {}),
  );
  verified({ ...found, ts: new Date().toISOString() });
  const { long, alarming } = verdictWords(found);
  const tell = alarming ? vscode.window.showErrorMessage : vscode.window.showInformationMessage;
  if (alarming) problems.note(long);
  // What is asked here is not waited for: the command has done its work.
  void tell(long, showLog)
    .then(async (picked) => {
      if (picked === showLog) await log.show();
    })
    .then(undefined, problems.tell);
}
