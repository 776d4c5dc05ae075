import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EditStep } from '../../../src/contract/records.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { type Disk, type Folder, realDisk } from '../../../src/execution/disk.ts';
import { createWorkspace, type WorkspaceOptions } from '../../../src/execution/workspace.ts';
import { createOldVersions } from '../../../src/store/old-versions.ts';

export type Change = EditStep['changes'][number];

export const runId = 'r_1795403040000_00000a';

/** SHA-256 of a text or of bytes, as a change names its base. */
export const sha = (data: string | Uint8Array) => sha256(data);

/** A workspace folder, with the old versions of its files beside it. */
export async function openYard() {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-edit-'));
  return { ...(await yardIn(dir)), dispose: () => rm(dir, { recursive: true, force: true }) };
}

/** The same, deleted when the test has finished. */
export async function newYard() {
  const yard = await openYard();
  onTestFinished(yard.dispose);
  return yard;
}

/** A yard that may be there already, as another process sees it. */
export async function yardIn(dir: string) {
  const root = join(dir, 'work');
  const old = join(dir, 'old');
  for (const folder of [root, old]) await mkdir(folder, { recursive: true });
  const versions = createOldVersions(old, () => undefined);
  const open = (more: Partial<WorkspaceOptions> = {}) =>
    createWorkspace({
      ...{ root, dataDir: join(dir, 'data'), versions, unsaved: () => [] },
      ...more,
    });
  const log: string[] = [];
  return {
    ...{ dir, root, old, versions, open, log },
    at: (path: string) => join(root, path),
    text: (path: string) => readFile(join(root, path), 'utf8'),
    async put(path: string, data: string | Uint8Array, mode = 0o644) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), data);
      await chmod(join(root, path), mode);
    },
    /** Carries out an edit step as the worker does. */
    run(
      changes: Change[],
      more: Partial<WorkspaceOptions> & { signal?: AbortSignal; id?: string } = {},
    ) {
      const { signal = new AbortController().signal, id = 'e', ...options } = more;
      return open(options).edit.execute(
        { id, kind: 'edit', changes },
        {
          ...{ runId, target: null, signal },
          log: (level, message) => void log.push(`${level} ${message}`),
          note: async () => undefined,
        },
      );
    },
    settle: (id = 'e') => open().edit.settle?.(runId, id, undefined),
    undo: (more: Partial<WorkspaceOptions> = {}) => open(more).workspace.undo(runId),
    look: () => snapshot(root),
  };
}
export type Yard = Awaited<ReturnType<typeof yardIn>>;

/** Everything under a folder: its kind, its permission bits and its bytes, by path. */
export async function snapshot(root: string): Promise<Record<string, string>> {
  const names = (await readdir(root, { recursive: true })).sort();
  const all = names.map(async (name) => {
    const found = await lstat(join(root, name));
    const mode = (found.mode & 0o7777).toString(8);
    if (!found.isFile()) return [name, found.isDirectory() ? 'folder' : 'other'] as const;
    return [name, `${mode} ${(await readFile(join(root, name))).toString('base64')}`] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** The change of a file that is there now. */
export const changeOf = (path: string, base: string | Uint8Array | null, text: string | null) => ({
  ...{ path, base_sha256: base === null ? null : sha(base), text },
});

type Method = keyof Disk | 'sync';

/**
 * A disk on which something happens before a step of it.
 *
 * @param before gets the number of the step, from 1, and which one it is with its first path; what it throws is thrown
 *   instead of the step
 */
export function watchedDisk(
  before: (n: number, what: Method, path: string) => Promise<void> | void,
) {
  let count = 0;
  const step = async <T>(what: Method, path: string, act: () => Promise<T>): Promise<T> => {
    count += 1;
    await before(count, what, path);
    return act();
  };
  const watched = (folder: Folder): Folder => ({
    ...folder,
    sync: () => step('sync', folder.path, folder.sync),
    close: () => folder.close(),
  });
  const disk: Disk = {
    realPath: (path) => step('realPath', path, () => realDisk.realPath(path)),
    look: (path) => step('look', path, () => realDisk.look(path)),
    openFolder: (path) =>
      step('openFolder', path, async () => watched(await realDisk.openFolder(path))),
    read: (path) => step('read', path, () => realDisk.read(path)),
    writeNew: (path, bytes, mode) =>
      step('writeNew', path, () => realDisk.writeNew(path, bytes, mode)),
    link: (from, to) => step('link', from, () => realDisk.link(from, to)),
    rename: (from, to) => step('rename', from, () => realDisk.rename(from, to)),
    unlink: (path) => step('unlink', path, () => realDisk.unlink(path)),
    makeFolder: (path) => step('makeFolder', path, () => realDisk.makeFolder(path)),
    removeFolder: (path) => step('removeFolder', path, () => realDisk.removeFolder(path)),
    names: (path) => step('names', path, () => realDisk.names(path)),
  };
  return { disk, steps: () => count };
}

/** What a failing disk throws. */
export const broken = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
