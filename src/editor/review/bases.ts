import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Base } from '../../contract/panel.ts';
import type { Step } from '../../contract/records.ts';

/*
 * What stands where edit steps would write, for a panel that compares. Only plain text of the workspace is read: what
 * an edit refuses (outside, behind a link) would not be changed, so there is nothing to compare.
 */

/** Bytes. More than this no panel can show, and an editor's own diff can. */
const largest = { file: 2 * 1_048_576, all: 8 * 1_048_576 };

/** The paths that edit steps name, each once, in their order. */
export function editedPaths(steps: readonly Step[] | null): string[] {
  const changes = (steps ?? []).flatMap((step) => (step.kind === 'edit' ? step.changes : []));
  return [...new Set(changes.map((change) => change.path))];
}

/** Reads what stands at paths of the workspace. Never rejects: what cannot be read is told in words. */
export async function readBases(root: string, paths: readonly string[]): Promise<Base[]> {
  const bases: Base[] = [];
  let left = largest.all;
  for (const one of paths) {
    const base = await readBase(root, one, Math.min(largest.file, left));
    if (base.state === 'file') left -= base.text.length;
    bases.push(base);
  }
  return bases;
}

async function readBase(root: string, name: string, most: number): Promise<Base> {
  const unread = (why: string): Base => ({ path: name, state: 'unread', why });
  const home = await realpath(root);
  const full = path.join(home, name);
  const inside = path.relative(home, full);
  if (path.isAbsolute(name) || inside === '' || /^\.\.(?:[/\\]|$)/.test(inside))
    return unread('This path leads out of the workspace, so it is not compared.');
  try {
    if ((await realpath(full)) !== full)
      return unread('There is a link on the way to this file, so it is not compared.');
    const bytes = await readWhole(full, most);
    if (bytes === 'no file') return unread('What stands at this path is not a file.');
    if (bytes === 'too large')
      return unread('The file is too large to be compared here. Open Diff shows it.');
    // With its byte order mark: that counts too.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { path: name, state: 'file', text };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { path: name, state: 'missing' };
    if (error instanceof TypeError) return unread('The file is not text, so it is not compared.');
    return unread(`The file cannot be read (${codeOf(error) ?? 'no reason was told'}).`);
  }
}

async function readWhole(full: string, most: number): Promise<Buffer | 'no file' | 'too large'> {
  const handle = await open(full, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) return 'no file';
    return found.size > most ? 'too large' : await handle.readFile();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? String(error.code) : null;
