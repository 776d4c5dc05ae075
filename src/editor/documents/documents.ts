import * as vscode from 'vscode';
import type { Served } from '../../http/served.ts';
import { documentCommandIds, viewIds } from '../ids.ts';
import { type Problems, registerCommand } from '../problems.ts';
import { createBases } from './bases.ts';
import { createConflicts } from './conflicts.ts';
import { registerDraftFiles } from './draftFiles.ts';
import { createDraftReader } from './draftReader.ts';
import { editDraft } from './editDraft.ts';
import { createLastSeen, type Memory } from './lastSeen.ts';
import { openDraftDiff } from './openDiff.ts';
import { draftOf, hostOrStart } from './pickDraft.ts';
import { createSaver } from './saving.ts';
import { createShown } from './shown.ts';
import { type HostSource, patientSource } from './source.ts';
import { registerDraftViews } from './views.ts';

/** Milliseconds: how long a tab waits for a server that starts. It takes a second, rarely a few. */
const patienceMs = 10_000;

const noServer = 'The GIMO server is not running in this window. Start it, then try again.';

interface DocumentsOptions extends HostSource {
  /** The memory of the workspace. */
  memory: Memory;
  problems: Problems;
}

/** Drafts in normal editors: to be compared, and to be edited. */
export interface DraftDocuments extends vscode.Disposable {
  /** Asks which text of the draft to edit, and opens it. Rejects as the client does. */
  edit(id: string): Promise<void>;
  /** Opens what is new in the draft; the focus stays where it is. Rejects as the client does. */
  openDiff(id: string): Promise<void>;
}

/** Registers both schemes and their commands. */
export function createDraftDocuments(options: DocumentsOptions): DraftDocuments {
  const { memory, problems } = options;
  const source = patientSource(options, patienceMs);
  const shown = createShown();
  const lastSeen = createLastSeen(memory);
  const bases = createBases();
  const drafts = createDraftReader(async () => {
    const host = await source.soon();
    if (host === null) throw vscode.FileSystemError.Unavailable(noServer);
    return host.client;
  });
  const edit = (host: Served, id: string) => editDraft(host, id);
  const openDiff = (host: Served, id: string) => openDraftDiff(host, id, { shown, lastSeen });
  const withHost = async (id: string, job: (host: Served, id: string) => Promise<void>) => {
    const host = await hostOrStart(source);
    if (host !== null) await job(host, id);
  };
  const owned = vscode.Disposable.from(
    source,
    registerDraftViews({ source, shown, lastSeen }),
    registerDraftFiles({
      ...{ source, drafts, bases },
      save: createSaver(drafts, bases),
      conflict: createConflicts({ drafts, bases, shown, problems }),
    }),
    registerCommand(documentCommandIds.editDraft, problems, async (called) => {
      const host = await hostOrStart(source);
      const id = host && (await draftOf(called, host, ['draft'], 'Edit Draft'));
      if (host && id !== null) await edit(host, id);
    }),
    registerCommand(documentCommandIds.openDraftDiff, problems, async (called) => {
      const host = await hostOrStart(source);
      const all = ['draft', 'approved', 'rejected', 'error'] as const;
      const id = host && (await draftOf(called, host, all, 'Open Draft Diff'));
      const refocus = isRow(called) ? backToDrafts : undefined;
      if (host && id !== null) await openDraftDiff(host, id, { shown, lastSeen, refocus });
    }),
  );
  return {
    edit: (id) => withHost(id, edit),
    openDiff: (id) => withHost(id, openDiff),
    dispose: () => owned.dispose(),
  };
}

/** Whether a command was given on a row of the tree. */
const isRow = (called: unknown) =>
  typeof called === 'object' && called !== null && 'record' in called;

async function backToDrafts(): Promise<void> {
  await vscode.commands.executeCommand(`${viewIds.drafts}.focus`);
}
