import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Logger, SecretVault } from '../../core/ports.ts';
import type { Person } from '../../core/work.ts';
import type { JoinOptions } from '../../http/join.ts';
import type { HostOptions } from '../../http/options.ts';
import { type LastStart, readAhead } from '../../http/readAhead.ts';
import type { Served } from '../../http/served.ts';
import { memoryKeys, settingIds } from '../ids.ts';
import { isRefusal, Refusal } from '../messages.ts';
import { firstProviderOf } from '../models/firstProvider.ts';
import type { LanguageModels } from '../models/languageModel.ts';
import { corsOriginsOf } from './corsOrigins.ts';
import { dataDirectoryOf } from './dataDirectory.ts';
import { hostEnv } from './hostEnv.ts';
import { publicUrlOf } from './publicUrl.ts';
import type { Joining } from './server.ts';
import { unsavedFiles } from './unsaved.ts';

const firstPort = 9325;

/** What the editor knows, and a server needs. */
export interface HostSurroundings {
  /** Loads the server's code; it is too heavy to be there before it is needed. */
  load(): Promise<{ hostOrAttach(options: JoinOptions): Promise<Served | null> }>;
  context: vscode.ExtensionContext;
  logger: Logger;
  version: string;
  /** Whom the server asks what only a person may decide. */
  person: Person;
  /** The models of the editor, which a provider may be. */
  models: LanguageModels;
  /** Where the secrets of a data directory are kept. */
  vaultOf(dataDir: string): SecretVault;
  /** Told when the tokens of this folder were lost, and are new. */
  tokensMadeAnew(): void;
}

/**
 * Starts a server for the first folder of the window, on the port that the settings name, else the one it had last; or
 * attaches to the one that this folder has in another window. Null if this was only to take over, and is not wanted.
 * Rejects with a message for people if there is no such folder, or the server does not start.
 */
export async function joinServerOfWindow(
  surroundings: HostSurroundings,
  { again, signal, ended }: Joining,
): Promise<Served | null> {
  const { context, logger, version, models } = surroundings;
  const folder = folderToServe();
  publicUrl();
  corsOrigins();
  const root = await realpath(folder);
  const dataDir = await dataDirectory(root);
  const vault = readAhead(
    surroundings.vaultOf(dataDir),
    lastStart(context.workspaceState, dataDir),
  );
  const { hostOrAttach } = await surroundings.load();
  // Only of a folder that this window never served: looking for models starts the extensions that bring them.
  const known = context.workspaceState.get<unknown>(memoryKeys.port) !== undefined;
  const firstProvider = known ? undefined : await firstProviderOf(models);
  const host = await hostOrAttach({
    root,
    dataDir,
    port: portOf(context.workspaceState),
    hostedBy: 'editor',
    version,
    env: hostEnv(process.env),
    logger,
    vault,
    tokensMadeAnew: surroundings.tokensMadeAnew,
    installId: vscode.env.machineId,
    folders: foldersOnDisk,
    person: surroundings.person,
    unsaved: unsavedFiles,
    publicUrl: () => live(publicUrl, null),
    corsOrigins: () => live(corsOrigins, []),
    editorModel: models,
    ...(firstProvider === undefined ? {} : { firstProvider }),
    ...{ again, signal },
    onEnded(how, reason) {
      logger.log('info', reason);
      ended(how);
    },
  });
  // Asked first, since a window that is still loading takes its time to keep something.
  if (host?.attached === false) {
    const names = [...vault.asked].sort();
    const last = [dataDir, host.ledgerDir, ...names];
    await Promise.all([
      keep(context.workspaceState, memoryKeys.port, host.port),
      keep(context.workspaceState, memoryKeys.lastStart, last),
    ]);
  }
  return host;
}

/** Keeps something for the next start, unless it is kept already. */
async function keep(memory: vscode.Memento, key: string, value: unknown): Promise<void> {
  if (JSON.stringify(memory.get(key)) !== JSON.stringify(value)) await memory.update(key, value);
}

/** What the last server of this data directory asked for; undefined if none is known. */
function lastStart(memory: vscode.Memento, dataDir: string): LastStart | undefined {
  const kept = memory.get<unknown>(memoryKeys.lastStart);
  if (!Array.isArray(kept)) return undefined;
  const [of, ledgerDir, ...names] = kept.filter((one) => typeof one === 'string');
  return of === dataDir && ledgerDir !== undefined ? { dataDir, ledgerDir, names } : undefined;
}

/** Whether the window has what a server needs: a trusted folder on a disk. */
export function canServe(): boolean {
  return vscode.workspace.isTrusted && firstFolder() !== undefined;
}

/** The first folder of the window that is on a disk. Throws a `Refusal` if there is none, or it is not trusted. */
export function folderToServe(): string {
  const folder = firstFolder();
  if (folder === undefined)
    throw new Refusal('No folder is open, so there is nothing to serve. Open one first.', {
      ...{ label: 'Open Folder', command: 'workbench.action.files.openFolder' },
    });
  if (!vscode.workspace.isTrusted)
    throw new Refusal('This folder is not trusted, so no server starts. Trust it first.', {
      ...{ label: 'Manage Workspace Trust', command: 'workbench.trust.manage' },
    });
  return folder.uri.fsPath;
}

function firstFolder(): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
}

function foldersOnDisk(): string[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
}

/** The address that the settings name for clients outside, or null. Throws a `Refusal` if it cannot be one. */
export const publicUrl = (): string | null =>
  publicUrlOf(vscode.workspace.getConfiguration().get<unknown>(settingIds.publicUrl));

/** The origins of web pages that may call, by the settings. Throws a `Refusal` if they cannot be that. */
export const corsOrigins = (): string[] =>
  corsOriginsOf(vscode.workspace.getConfiguration().get<unknown>(settingIds.corsOrigins));

/** Where the records of a folder lie, by the settings. Rejects with a `Refusal` if they cannot lie there. */
const dataDirectory = (root: string): Promise<string> =>
  dataDirectoryOf(vscode.workspace.getConfiguration().get<unknown>(settingIds.dataDirectory), root);

/** A setting while a server runs, which has no use for one that cannot be used: whoever sets it is told. */
function live<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (isRefusal(error)) return otherwise;
    throw error;
  }
}

function portOf(memory: vscode.Memento): HostOptions['port'] {
  const wanted = vscode.workspace.getConfiguration().get<unknown>(settingIds.port);
  if (typeof wanted === 'number') return wanted;
  const last = memory.get<unknown>(memoryKeys.port);
  return { prefer: typeof last === 'number' ? last : firstPort };
}
