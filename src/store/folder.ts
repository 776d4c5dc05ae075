import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { storageError } from './files.ts';
import { lookAt } from './record-file.ts';

/*
 * Notices what others did to a folder without reading it each time: adding, removing and renaming changes the time of
 * the directory. Our own changes do so too, and are known already, so the time that they leave is taken as seen. What
 * somebody else did within the same instant is found by the next full look (`rescan`), which the caller asks for now
 * and then.
 */

/** Keeps a set of names in step with a directory. */
export interface Folder {
  /** Looks whether the directory has changed by other hands, and if so reads it again. */
  refresh(): Promise<void>;
  /** Reads the directory again, whatever its time says. */
  rescan(): Promise<void>;
  /** Carries out a change of our own in the directory. */
  ours<R>(change: () => Promise<R>): Promise<R>;
  /** Says that a name was added or removed by us, so that a look that began before does not undo it. */
  touched(name: string): void;
}

/**
 * @param dir must exist
 * @param seen told all file names after each look, and which names we touched since it began (more may join these)
 */
export function createFolder(
  dir: string,
  seen: (files: readonly string[], touched: ReadonlySet<string>) => Promise<void>,
): Folder {
  /** The time of the directory as of which the names are right; null if they may be wrong. */
  let known: number | null = null;
  let busy = 0;
  let wasRight = false;
  let scanning: Promise<void> | null = null;
  const touches = new Set<string>();

  const timeOf = () => lookAt(dir)?.mtimeMs ?? null;
  const scan = async () => {
    touches.clear();
    const time = timeOf();
    let files: string[];
    try {
      files = await readdir(dir);
    } catch (error) {
      throw storageError(error, `the folder ${basename(dir)}`);
    }
    await seen(files, touches);
    // A time of just now may be that of more changes than were read: file times have the grain of a clock tick.
    known = time !== null && Math.abs(Date.now() - time) > 50 ? time : null;
  };
  const rescan = () => {
    scanning ??= scan().finally(() => {
      scanning = null;
    });
    return scanning;
  };
  return {
    rescan,
    async refresh() {
      if (known !== null && (busy > 0 || timeOf() === known)) return;
      await rescan();
    },
    async ours(change) {
      if (busy === 0) wasRight = known !== null && timeOf() === known;
      busy += 1;
      let done = false;
      try {
        const changed = await change();
        done = true;
        return changed;
      } finally {
        busy -= 1;
        // What a change has left that failed is not known.
        if (!done) wasRight = false;
        if (busy === 0) known = wasRight ? timeOf() : null;
      }
    },
    touched: (name) => void touches.add(name),
  };
}
