import * as vscode from 'vscode';
import { codeOf, messageOf, Refusal } from '../messages.ts';
import { type EditAddress, editPath, isFolder, parseEditPath, schemes } from './addresses.ts';
import { type Bases, type OpenText, textOf } from './bases.ts';
import type { DraftReader } from './draftReader.ts';
import { SaveConflict } from './saving.ts';
import type { HostSource } from './source.ts';
import { editUri } from './uris.ts';

const notAFile = 'Drafts are made and decided with the commands of GIMO, not as files.';
const notUtf8 = 'The text is not in UTF-8, so nothing was saved. Save it with that encoding.';

const folderStat: vscode.FileStat = {
  type: vscode.FileType.Directory,
  ctime: 0,
  mtime: 0,
  size: 0,
};

interface DraftFilesOptions {
  source: HostSource;
  drafts: DraftReader;
  bases: Bases;
  save(address: EditAddress, text: string): Promise<void>;
  /** Called beside the failure of a save that would have overwritten something. */
  conflict(address: EditAddress, refused: SaveConflict): void;
}

/**
 * Registers the file system of `gimo-draft:`: prompt and content of a draft, to be edited in a normal editor. A save is
 * refused if the draft has changed since its text was loaded, and the person's text stays where it is.
 */
export function registerDraftFiles(options: DraftFilesOptions): vscode.Disposable {
  const { source, bases } = options;
  const changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  const asked = new Map<string, EditAddress>();
  const provider = providerOf(options, changed.event, (address) =>
    asked.set(editPath(address), address),
  );
  const tell = (concerned: (address: EditAddress) => boolean) => {
    const uris = [...asked.values()].filter(concerned).map(editUri);
    changed.fire(uris.map((uri) => ({ type: vscode.FileChangeType.Changed, uri })));
  };
  const opened = (document: vscode.TextDocument) => {
    const address = addressIn(document.uri);
    if (address !== null) bases.opened(address, document.getText());
  };
  // A window that opens again may show tabs from what it kept before anybody is asked for their text.
  vscode.workspace.textDocuments.forEach(opened);
  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerFileSystemProvider(schemes.edit, provider, { isCaseSensitive: true }),
    vscode.workspace.onDidOpenTextDocument(opened),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      const address = addressIn(document.uri);
      if (address !== null) bases.changed(address, stateOf(document));
    }),
    followDrafts(source, tell),
  );
}

function providerOf(
  { drafts, bases, save, conflict }: DraftFilesOptions,
  onDidChangeFile: vscode.Event<vscode.FileChangeEvent[]>,
  asked: (address: EditAddress) => void,
): vscode.FileSystemProvider {
  const addressOf = (uri: vscode.Uri) => {
    const address = addressIn(uri);
    if (address === null) throw vscode.FileSystemError.FileNotFound(uri);
    asked(address);
    return address;
  };
  return {
    onDidChangeFile,
    watch: () => new vscode.Disposable(() => {}),
    stat: (uri) => {
      if (isFolder(uri.path)) return folderStat;
      const address = addressOf(uri);
      return orFileError(() => statOf(address, drafts, bases));
    },
    readFile: (uri) => {
      const address = addressOf(uri);
      return orFileError(async () => {
        const version = await drafts.read(address.id);
        bases.read(address, version, openText(uri));
        return Buffer.from(textOf(version.draft, address.part));
      });
    },
    writeFile: (uri, bytes) => {
      const address = addressIn(uri);
      if (address === null) throw vscode.FileSystemError.NoPermissions(notAFile);
      return orFileError(
        () => save(address, decoded(bytes)),
        (error) => {
          if (error instanceof SaveConflict) conflict(address, error);
        },
      );
    },
    readDirectory: () => [],
    createDirectory: refuse,
    delete: refuse,
    rename: refuse,
  };
}

async function statOf(
  address: EditAddress,
  drafts: DraftReader,
  bases: Bases,
): Promise<vscode.FileStat> {
  const { draft, mtime } = await drafts.read(address.id);
  const stat = {
    type: vscode.FileType.File,
    ctime: Date.parse(draft.created_at) || 0,
    size: Buffer.byteLength(textOf(draft, address.part)),
  };
  // While there is unsaved text, what the editor knows already: else it would offer to overwrite, or refuse in words
  // of its own. The save has to get to `writeFile`, which knows better.
  if (openText(editUri(address))?.dirty === true)
    return { ...stat, mtime: bases.of(address)?.mtime ?? 0 };
  if (draft.status === 'draft') return { ...stat, mtime };
  return { ...stat, mtime, permissions: vscode.FilePermission.Readonly };
}

/** Tells of each change of a draft, and of all drafts when a server is there again. */
function followDrafts(
  source: HostSource,
  tell: (concerned: (address: EditAddress) => boolean) => void,
): vscode.Disposable {
  let unsubscribe = () => {};
  const connect = () => {
    unsubscribe();
    unsubscribe = () => {};
    const host = source.host();
    if (host === null) return;
    unsubscribe = host.onChange(({ type, id }) => {
      if (type === 'draft') tell((address) => id === null || address.id === id);
    });
    tell(() => true);
  };
  connect();
  const subscription = source.onHostChange(connect);
  return new vscode.Disposable(() => {
    subscription.dispose();
    unsubscribe();
  });
}

/** Turns what a job throws into the error that an editor shows. @param failed hears of it first */
async function orFileError<T>(
  job: () => Promise<T>,
  failed: (error: unknown) => void = () => {},
): Promise<T> {
  try {
    return await job();
  } catch (error) {
    failed(error);
    if (error instanceof vscode.FileSystemError) throw error;
    if (error instanceof Refusal || error instanceof SaveConflict)
      throw new vscode.FileSystemError(error.message);
    if (codeOf(error) === 'not_found') throw vscode.FileSystemError.FileNotFound(messageOf(error));
    throw new vscode.FileSystemError(messageOf(error));
  }
}

function refuse(): never {
  throw vscode.FileSystemError.NoPermissions(notAFile);
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new Refusal(notUtf8);
    throw error;
  }
}

/** The address of a file of this file system; null of all else. */
function addressIn(uri: vscode.Uri): EditAddress | null {
  return uri.scheme === schemes.edit ? parseEditPath(uri.path) : null;
}

function openText(uri: vscode.Uri): OpenText | null {
  const wanted = uri.toString();
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === wanted);
  return document === undefined ? null : stateOf(document);
}

const stateOf = (document: vscode.TextDocument): OpenText => ({
  text: document.getText(),
  dirty: document.isDirty,
});
