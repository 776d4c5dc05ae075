import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { DraftRecord } from '../contract/records.ts';
import { diffLines, showDiff } from './diff.ts';
import type { Output } from './output.ts';

/** What a draft would do to one file of the workspace, as it is now. */
export interface FileChange {
  step: string;
  path: string;
  /** The lines of a unified diff; none if nothing would change. */
  diff: string[];
  /** Why the diff shows the whole new text: what stands there now cannot be compared. Null if it can. */
  problem: string | null;
}

/** Bytes. A larger file is not compared. */
const largest = 8 * 2 ** 20;

/**
 * Compares what the edit steps of a draft would write with the workspace as it is now. A step that comes after another
 * one finds what that one has left.
 *
 * @param root the workspace
 */
export async function fileChanges(
  root: string,
  steps: DraftRecord['steps'],
): Promise<FileChange[]> {
  const left = new Map<string, string | null>();
  const found: FileChange[] = [];
  for (const step of steps ?? []) {
    if (step.kind !== 'edit') continue;
    for (const { path, text } of step.changes) {
      const now = left.has(path) ? { text: left.get(path) ?? null } : await readNow(root, path);
      const before = 'text' in now ? now.text : null;
      found.push({
        ...{ step: step.id, path },
        diff: diffLines({
          before: { name: `a/${path}`, text: before },
          after: { name: `b/${path}`, text },
        }),
        problem: 'text' in now ? null : now.problem,
      });
      left.set(path, text);
    }
  }
  return found;
}

/** Shows what a draft would do to the files of the workspace. */
export function showFileChanges(out: Output, changes: readonly FileChange[]): void {
  for (const { step, path, diff, problem } of changes) {
    out.field('change', `${path} (step ${step})`, 'bold');
    if (problem !== null) out.field('not compared', problem, 'yellow');
    else if (diff.length === 0) out.field('', 'as it is already');
    showDiff(out, diff);
  }
}

/** What stands in the workspace; a null text where there is no file. */
async function readNow(
  root: string,
  path: string,
): Promise<{ text: string | null } | { problem: string }> {
  if (isAbsolute(path) || path.split(/[\\/]/).includes('..'))
    return { problem: 'the path leads out of the workspace, so the step will refuse it' };
  try {
    const real = await realpath(join(root, path));
    if (real !== join(await realpath(root), path))
      return { problem: 'a symbolic link stands on the way, so the step will refuse it' };
    const found = await stat(real);
    if (!found.isFile()) return { problem: 'what stands there is no file' };
    if (found.size > largest)
      return { problem: `what stands there has ${found.size} bytes, too many to show` };
    return textOf(await readFile(real));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return { text: null };
    if (typeof code !== 'string') throw error;
    return { problem: `what stands there cannot be read (${code})` };
  }
}

function textOf(bytes: Uint8Array) {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'what stands there is not UTF-8 text' };
    throw error;
  }
}
