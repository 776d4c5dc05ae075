import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Client } from '../../client/client.ts';
import { needsHost } from '../commands/needsHost.ts';
import { codeOf, messageOf, Refusal, toldMs } from '../messages.ts';
import { folderToServe } from '../server/startHost.ts';
import { oneLine, withoutIcons } from '../text.ts';
import { coveredBy, type Entry, repoPath, withoutPaths, withPaths } from './allowlist.ts';
import { leftOf, untilRevoked } from './expiry.ts';
import { allowedNow } from './facts.ts';
import { givenName } from './node.ts';
import type { ControlParts } from './parts.ts';

const hourMs = 3_600_000;
const durations = [
  { label: '$(clock) An Hour', ms: hourMs },
  { label: '$(calendar) A Day', ms: 24 * hourMs },
  { label: '$(infinity) Until Revoked', ms: null },
] as const;

/* One change of the list at a time: each reads it, and writes it whole. */
let last: Promise<unknown> = Promise.resolve();
function inTurn<T>(job: () => Promise<T>): Promise<T> {
  const done = last.then(job, job);
  last = done.catch(() => undefined);
  return done;
}

/**
 * Lets clients read files and folders for a while. Rejects as the client does.
 *
 * @param item a file of the Explorer, a row of the view, or nothing: then the active editor's file is offered
 * @param selected all files that are selected in the Explorer
 */
export async function letClientsRead(
  { server }: ControlParts,
  item: unknown,
  selected: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const files = await chosenFiles(item, selected);
  if (files === null) return;
  const root = await realpath(folderToServe());
  const paths = await pathsIn(root, files);
  const named = namesOf(paths);
  const picked = await vscode.window.showQuickPick([...durations], {
    title: `Let Clients Read ${named}`,
    placeHolder: 'For how long? Every client with a token may read it, agents too.',
  });
  if (picked === undefined) return;
  const until = picked.ms === null ? untilRevoked : new Date(Date.now() + picked.ms).toISOString();
  const refused = await inTurn(() => allow(host.client, paths, until));
  const done = paths.filter((path) => !refused.has(path));
  if (done.length > 0)
    vscode.window.setStatusBarMessage(
      `$(eye) Clients may read ${namesOf(done)} ${leftOf(until, Date.now()).long}.`,
      toldMs,
    );
  if (refused.size > 0)
    throw new Refusal([...refused].map(([path, why]) => `${oneLine(path, 80)}: ${why}`).join(' '));
}

/**
 * Takes files and folders off the list. Rejects as the client does.
 *
 * @param item a file of the Explorer, a row of the view, or nothing: then a person picks from the list
 * @param selected all files that are selected in the Explorer
 */
export async function stopClientsReading(
  { server }: ControlParts,
  item: unknown,
  selected: unknown,
): Promise<void> {
  const host = await needsHost(server);
  if (host === null) return;
  const { client } = host;
  const paths = await pathsToStop(client, item, selected);
  if (paths === null) return;
  await inTurn(async () => {
    const entries = await allowedNow(client);
    const listed = paths.filter((path) => entries.some((entry) => entry.path === path));
    if (listed.length === 0) throw notListed(entries, paths);
    await put(client, withoutPaths(entries, listed));
  });
  vscode.window.setStatusBarMessage(
    `$(eye-closed) Clients no longer read ${namesOf(paths)}.`,
    toldMs,
  );
}

const put = (client: Client, paths: Entry[]) => client.call('setAllowlist', { paths });

/**
 * Lists the paths.
 * @returns those that were refused, with why. Rejects as the client does
 */
async function allow(
  client: Client,
  paths: readonly string[],
  until: string,
): Promise<Map<string, string>> {
  const before = await allowedNow(client);
  try {
    await put(client, withPaths(before, paths, until));
    return new Map();
  } catch (error) {
    if (refusal(error) === null) throw error;
    if (paths.length === 1) return new Map(paths.map((path) => [path, refusal(error) ?? '']));
  }
  // One that is refused must not keep out the others: each for itself tells which it is.
  const refused = new Map<string, string>();
  let entries: Entry[] = before;
  for (const path of paths) {
    try {
      const next = withPaths(entries, [path], until);
      await put(client, next);
      entries = next;
    } catch (error) {
      const why = refusal(error);
      if (why === null) throw error;
      refused.set(path, why);
    }
  }
  return refused;
}

/** Why a path is not taken, in words; null of other errors. */
function refusal(error: unknown): string | null {
  const code = codeOf(error);
  if (code === 'path_refused')
    return 'GIMO never lets clients read this. Keys, environment files, .git, node_modules and what a link leads out of the folder to stay private.';
  if (code === 'not_found') return 'It is no longer there.';
  return code === 'validation_error' ? messageOf(error) : null;
}

/** The files that are meant; null if the person gave up. */
async function chosenFiles(item: unknown, selected: unknown): Promise<vscode.Uri[] | null> {
  const given = urisOf(item, selected);
  if (given.length > 0) return given;
  const active = vscode.window.activeTextEditor?.document.uri;
  const folder = vscode.Uri.file(folderToServe());
  const choices = [
    ...(active?.scheme === 'file'
      ? [{ label: `$(file) ${vscode.workspace.asRelativePath(active)}`, uri: active }]
      : []),
    { label: '$(folder) The Whole Folder', uri: folder },
    { label: '$(folder-opened) Choose Files or Folders…', uri: null },
  ];
  const picked = await vscode.window.showQuickPick(choices, {
    ...{ title: 'Let Clients Read', placeHolder: 'What may clients read?' },
  });
  if (picked === undefined) return null;
  if (picked.uri !== null) return [picked.uri];
  const opened = await vscode.window.showOpenDialog({
    ...{ canSelectFiles: true, canSelectFolders: true, canSelectMany: true },
    ...{ defaultUri: folder, openLabel: 'Let Clients Read' },
  });
  return opened ?? null;
}

function urisOf(item: unknown, selected: unknown): vscode.Uri[] {
  if (!(item instanceof vscode.Uri)) return [];
  const all = Array.isArray(selected) ? selected.filter((one) => one instanceof vscode.Uri) : [];
  // A file beside the selection was clicked: only that one is meant.
  return all.some((one) => one.toString() === item.toString()) ? all : [item];
}

/** Throws a `Refusal` for files that the server does not serve. */
async function pathsIn(root: string, files: readonly vscode.Uri[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { fsPath, scheme } of files) {
    const within = scheme === 'file' ? repoPath(root, await realFile(fsPath, root)) : null;
    if (within === null)
      throw new Refusal(
        `"${oneLine(fsPath, 120)}" is not in the folder that GIMO serves, so clients cannot read it.`,
      );
    paths.push(within);
  }
  return paths;
}

/** The path with the folder's own links resolved; links inside of it stay, for the server to judge. */
async function realFile(file: string, root: string): Promise<string> {
  const folder = folderToServe();
  const within = repoPath(folder, file);
  if (within !== null) return vscode.Uri.joinPath(vscode.Uri.file(root), within).fsPath;
  return file;
}

async function pathsToStop(
  client: Client,
  item: unknown,
  selected: unknown,
): Promise<string[] | null> {
  const row = givenName('allowed', item);
  if (row !== null) return [row];
  const files = urisOf(item, selected);
  if (files.length > 0) return pathsIn(await realpath(folderToServe()), files);
  const entries = await allowedNow(client);
  if (entries.length === 0)
    throw new Refusal('Clients may read nothing here, so there is nothing to stop.');
  const items = entries.map(({ path, type, expires_at }) => ({
    label: `$(${type === 'dir' ? 'folder' : 'file'}) ${withoutIcons(oneLine(path, 200))}`,
    description: leftOf(expires_at, Date.now()).short,
    path,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ...{ title: 'Stop Clients Reading', placeHolder: 'What may clients no longer read?' },
    canPickMany: true,
  });
  return picked === undefined || picked.length === 0 ? null : picked.map(({ path }) => path);
}

function notListed(entries: readonly Entry[], paths: readonly string[]): Refusal {
  const [first = ''] = paths;
  const folder = paths.length === 1 ? coveredBy(entries, first) : null;
  if (folder === null) return new Refusal(`Clients may not read ${namesOf(paths)} as it is.`);
  const name = folder === '.' ? 'the whole folder' : `the folder ${oneLine(folder, 80)}`;
  return new Refusal(
    `Clients may read it because they may read ${name}. Stop them there, and let them read what they need one by one.`,
  );
}

const namesOf = (paths: readonly string[]): string => {
  const [first = ''] = paths;
  if (paths.length > 1) return `${paths.length} files and folders`;
  return first === '.' ? 'the whole folder' : oneLine(first, 80);
};
