import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { idPattern } from '../contract/records.ts';
import { sha256 } from '../core/hash.ts';
import { hasCode } from '../core/system-error.ts';
import type { FileVersion, OldVersions } from '../core/work.ts';
import { removeFile, sweepTemps, writeAtomic } from './atomic.ts';
import {
  ensureRealDir,
  type Fence,
  namesIn,
  parseJson,
  readOnly,
  readText,
  storageError,
  syncDir,
} from './files.ts';
import { createQueues } from './queue.ts';

/*
 * A folder for each run. Contents lie there under their SHA-256, so that equal ones are kept once, and each step has a
 * manifest, numbered in the order in which the steps began. The manifest is written last: without one that can be
 * read, nothing was kept for a step, and so the step has not begun to write. It is written anew when files of the step
 * are put back. Beside the folder a mark says that the run is being undone.
 */

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Version: z.ZodType<FileVersion> = z.object({
  path: z.string(),
  before: z.object({ sha256: Hash, mode: z.int().nonnegative() }).nullable(),
  after: Hash.nullable(),
  back: z.literal(true).optional(),
});
const Manifest = z.object({ step: z.string(), files: z.array(Version) });

const undoMark = '.undo';
const manifestName = /^step-(\d{6})\.json$/;
const nameOf = (n: number) => `step-${String(n).padStart(6, '0')}.json`;

/**
 * Opens the old versions of a ledger.
 * @param dir exists already
 */
export function createOldVersions(dir: string, fence: Fence): OldVersions {
  const queue = createQueues();
  const folderOf = (runId: string) => {
    if (!idPattern.run.test(runId))
      throw new GimoError('internal', 'A run id has another form than expected.');
    return join(dir, runId);
  };
  const manifests = async (runId: string) => {
    const folder = folderOf(runId);
    const found: { at: string; stepId: string; files: FileVersion[] }[] = [];
    for (const name of await manifestNames(folder)) {
      const at = join(folder, name);
      const manifest = Manifest.safeParse(parseJson((await readText(at)) ?? '')).data;
      if (manifest !== undefined) found.push({ at, stepId: manifest.step, files: manifest.files });
    }
    return found;
  };
  const write = (at: string, step: string, files: readonly FileVersion[]) =>
    writeAtomic(at, `${JSON.stringify({ step, files })}\n`, { fence });
  const keep: OldVersions['keep'] = async (runId, stepId, files) => {
    const folder = folderOf(runId);
    if ((await manifests(runId)).some((kept) => kept.stepId === stepId)) throw keptAlready();
    fence();
    await ensureRealDir(folder);
    await syncDir(dir);
    await sweepTemps(folder);
    const contents = new Map(files.map((file) => [file.before?.sha256, checkedBytes(file)]));
    for (const [sha256, bytes] of contents)
      if (sha256 !== undefined && bytes !== null)
        await writeAtomic(join(folder, sha256), bytes, { fence });
    const last = (await manifestNames(folder)).at(-1);
    const next = Number(manifestName.exec(last ?? '')?.[1] ?? 0) + 1;
    const named = files.map((file) => Version.parse(file));
    await write(join(folder, nameOf(next)), stepId, named);
  };
  const putBack: OldVersions['putBack'] = async (runId, stepId, paths) => {
    const kept = (await manifests(runId)).find((step) => step.stepId === stepId);
    const back = new Set(paths);
    const isNew = (file: FileVersion) => back.has(file.path) && !file.back;
    if (!kept?.files.some(isNew)) return;
    const files = kept.files.map((file) => (isNew(file) ? { ...file, back: true as const } : file));
    await write(kept.at, stepId, files);
  };
  const markOf = (runId: string) => `${folderOf(runId)}${undoMark}`;
  return {
    keep: (runId, stepId, files) => queue(runId, () => keep(runId, stepId, files)),
    async of(runId) {
      // Of a step that a crash cut off before it had kept all.
      await sweepTemps(folderOf(runId));
      return (await manifests(runId)).map(({ stepId, files }) => ({ stepId, files }));
    },
    async read(runId, stepId, path) {
      const step = (await manifests(runId)).find((kept) => kept.stepId === stepId);
      const before = step?.files.find((file) => file.path === path)?.before;
      const bytes = before ? await readBytes(join(folderOf(runId), before.sha256)) : null;
      if (bytes === null || sha256(bytes) !== before?.sha256) throw notAsKept();
      return bytes;
    },
    putBack: (runId, stepId, paths) => queue(runId, () => putBack(runId, stepId, paths)),
    beginUndo: (runId) => queue(runId, () => writeAtomic(markOf(runId), '', { fence })),
    endUndo: (runId) => queue(runId, () => removeFile(markOf(runId), fence)),
    async undoing() {
      await sweepTemps(dir);
      const runs = (await namesIn(dir))
        .filter((name) => name.endsWith(undoMark))
        .map((name) => name.slice(0, -undoMark.length));
      return runs.filter((runId) => idPattern.run.test(runId)).sort();
    },
    remove: (runId) =>
      queue(runId, async () => {
        const folder = folderOf(runId);
        // The manifests first: contents without one mean nothing, one without its contents promises too much.
        for (const name of await manifestNames(folder)) await removeFile(join(folder, name), fence);
        await removeFile(markOf(runId), fence);
        fence();
        try {
          await rm(folder, { recursive: true, force: true });
        } catch (error) {
          throw storageError(error, 'what files were before a run');
        }
      }),
  };
}

async function manifestNames(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => manifestName.test(name)).sort();
}

/** The contents to keep, which have to be what the version says. */
function checkedBytes({ before, bytes }: FileVersion & { bytes: Uint8Array | null }) {
  const fits = before === null ? bytes === null : bytes !== null && sha256(bytes) === before.sha256;
  if (!fits) throw new GimoError('internal', 'The bytes of an old version are not those it names.');
  return bytes;
}

/** @returns null if there is no regular file */
async function readBytes(path: string): Promise<Buffer | null> {
  try {
    const handle = await open(path, readOnly);
    try {
      return (await handle.stat()).isFile() ? await handle.readFile() : null;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP')) return null;
    throw storageError(error, 'an old version of a file');
  }
}

const keptAlready = () =>
  new GimoError(
    'internal',
    'What the files of this step were is kept already. A step that had begun is not carried out again.',
  );

const notAsKept = () =>
  new GimoError(
    'storage_error',
    'What this file was before the run is not in the ledger as it was kept. Take it from version control or a backup.',
  );
