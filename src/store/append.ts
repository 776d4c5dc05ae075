import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { noFollow, storageError, syncDir } from './files.ts';

/* Files whose names this process has made durable: one that was made last may have been made by a process that died. */
const named = new Set<string>();

/** Values as lines of JSON. */
export const linesOf = (all: readonly unknown[]): string =>
  all.map((one) => `${JSON.stringify(one)}\n`).join('');

/**
 * Appends whole lines to a file of the ledger: all of them, or none.
 *
 * @param what the file, in words
 * @param sync whether they are durable when it resolves
 */
export async function appendLines(
  path: string,
  text: string,
  what: string,
  sync: boolean,
): Promise<void> {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | noFollow;
    const handle = await open(path, flags, 0o600);
    try {
      const { size } = await handle.stat();
      try {
        await handle.appendFile(text);
        if (sync) await handle.datasync();
        if (sync && !named.has(path)) await syncDir(dirname(path));
        if (sync) named.add(path);
      } catch (error) {
        await handle.truncate(size); // half a line must not become part of the next one
        throw error;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(error, what);
  }
}
