import path from 'node:path';
import type { Step } from '../../contract/records.ts';

/*
 * What the edit steps of a draft would write, as a list of files to compare: each with what it would replace.
 */

/** One change of an edit step. */
export interface Write {
  /** Both count from 0; together they name the change within its draft. */
  step: number;
  change: number;
  /** As the draft says it. */
  path: string;
  /** SHA-256 of the file that it was made from; null: it must not exist. Undefined if the draft does not say. */
  base: string | null | undefined;
  /** Null: the file is deleted. */
  text: string | null;
}

/** A change, and the one of the same file that comes before it; without one it replaces what the workspace has. */
export interface FileChange {
  write: Write;
  before: Write | null;
}

/** The changes of all edit steps, in order. */
export function writesOf(steps: readonly Step[] | null): Write[] {
  return (steps ?? []).flatMap((step, at) =>
    step.kind !== 'edit'
      ? []
      : step.changes.map(({ path, base_sha256, text }, change) => ({
          ...{ step: at, change, path, base: base_sha256, text },
        })),
  );
}

/** Pairs each change with what it replaces. */
export function fileChanges(writes: readonly Write[]): FileChange[] {
  const last = new Map<string, Write>();
  return writes.map((write) => {
    const name = insidePath(write.path) ?? write.path;
    const before = last.get(name) ?? null;
    last.set(name, write);
    return { write, before };
  });
}

/**
 * The path of a file of the workspace, without detours; null if it leads out of the workspace, or names no file. Links
 * are not followed here: what is written is decided where it is written, this is for looking only.
 */
export function insidePath(given: string): string | null {
  const plain = path.posix.normalize(given.replaceAll('\\', '/'));
  const out = plain === '..' || plain.startsWith('../') || plain.startsWith('/');
  return out || plain === '.' || plain.endsWith('/') || /^[A-Za-z]:/.test(plain) ? null : plain;
}
