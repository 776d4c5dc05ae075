import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Undone } from '../contract/rows/runs.ts';
import { createLocks } from '../core/locks.ts';
import { systemCode } from '../core/system-error.ts';
import type {
  Executor,
  FileVersion,
  FoundFile,
  OldVersions,
  StepOf,
  Workspace,
} from '../core/work.ts';
import { type Disk, realDisk } from './disk.ts';
import { edit } from './edit.ts';
import { partsOf, Refused, sameOnDisk } from './place.ts';
import { type PutBack, restoreStep, tell, whyOf } from './restore.ts';
import { decode } from './text.ts';
import { type Ground, nameOf, onTheWay, standing } from './way.ts';

/** The most that is read as text for a look, in bytes. */
const mostText = 5 * 2 ** 20;

export interface WorkspaceOptions {
  /** The workspace folder. */
  root: string;
  dataDir: string;
  versions: OldVersions;
  /** Absolute paths of the files that are open in an editor with changes that are not saved. */
  unsaved: () => readonly string[];
  /** Throws when the right to write is lost; asked right before every change of a file. */
  fence?: () => void;
  /** The real one, if left out. */
  disk?: Disk;
}

/**
 * The files of a workspace folder, and the executor of the steps that edit them. Edits, what settles them and what
 * undoes them go one after the other.
 */
export function createWorkspace(options: WorkspaceOptions): {
  workspace: Workspace;
  edit: Executor<'edit'>;
} {
  const { root, dataDir, versions, disk = realDisk, fence = () => undefined } = options;
  const isUnsaved = (path: string) => holds(options.unsaved(), root, path);
  const ground: Ground = { disk, root, dataDir, isUnsaved, fence };
  const locks = createLocks();
  const alone = <T>(work: () => Promise<T>) => locks.run('workspace', work);
  return {
    workspace: {
      // One after the other: each may hold a large file in memory.
      look: (path) => locks.run('look', () => look(ground, path)),
      isUnsaved,
      undo: (runId) => alone(() => undo(ground, versions, runId)),
      undoing: () => versions.undoing(),
      forget: (runId) => alone(() => versions.remove(runId)),
    },
    edit: {
      kind: 'edit',
      execute: (step: StepOf<'edit'>, context) =>
        alone(async () => ({ result: await edit(ground, versions, step, context) })),
      settle: (runId, stepId) => alone(() => settle(ground, versions, runId, stepId)),
    },
  };
}

async function look(ground: Ground, path: string): Promise<FoundFile> {
  try {
    const found = await onTheWay(ground, path, null, async ({ folder }) =>
      folder === null ? null : standing(ground.disk, folder, nameOf(path)),
    );
    if (found === null) return { state: 'missing' };
    const text = found.bytes.length > mostText ? null : (decode(found.bytes)?.text ?? null);
    return { state: 'file', sha256: found.sha256, bytes: found.bytes.length, text };
  } catch (error) {
    return { state: 'refused', why: whyOf(error) };
  }
}

/** After a crash: what was kept tells what has to be put back. Without anything kept, nothing had been written. */
async function settle(ground: Ground, versions: OldVersions, runId: string, stepId: string) {
  const kept = (await versions.of(runId)).find((step) => step.stepId === stepId);
  if (kept === undefined) return 'No file had been changed yet.';
  return tell(await restoreStep(ground, versions, { runId, ...kept }));
}

async function undo(ground: Ground, versions: OldVersions, runId: string): Promise<Undone> {
  const became = new Map<string, PutBack>();
  const kept = leftOf(await versions.of(runId));
  // A crash from here on leaves traces that nobody else would look for.
  if (kept.length > 0) await versions.beginUndo(runId);
  // The earliest step has the last word: it knows what a file was before the run.
  for (const step of kept.reverse())
    for (const one of await restoreStep(ground, versions, { runId, ...step }))
      became.set(one.path, one);
  await versions.endUndo(runId);
  const all = [...became.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    restored: all.flatMap(({ path, why }) => (why === null ? [path] : [])),
    left: all.flatMap(({ path, why }) => (why === null ? [] : [{ path, why }])),
  };
}

/** What of a run's steps was not put back. Where an earlier step is, so are those that went on from it. */
function leftOf<T extends { files: FileVersion[] }>(steps: readonly T[]): T[] {
  const back = new Set<string>();
  return steps.flatMap((step) => {
    const files = step.files.filter((file) => !file.back && !back.has(file.path));
    for (const file of step.files) if (file.back) back.add(file.path);
    return files.length === 0 ? [] : [{ ...step, files }];
  });
}

/** Whether a file of the workspace is among some files, whatever ways lead to them. */
function holds(files: readonly string[], root: string, path: string): boolean {
  if (files.length === 0) return false;
  try {
    // There is no link on the way to a file that an edit touches, but there may be one on the way to the workspace.
    const target = sameOnDisk(join(realpathSync.native(root), ...partsOf(path)));
    return files.some((file) => sameOnDisk(realPath(file)) === target);
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** Where a path leads, also if there is nothing yet. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (systemCode(error) === null || dirname(path) === path) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}
