import { GimoError } from '../contract/errors.ts';
import type { Watched } from '../contract/rows/upkeep.ts';
import type { Logger, WatchedDocument } from './ports.ts';

/** Copies that could not be written, and what their files were then. */
const owed = new WeakMap<WatchedDocument, { value: unknown; stamp: string | null }>();

/** Null if not even that can be told now. */
function stampOf(document: WatchedDocument): string | null {
  try {
    return document.stamp();
  } catch (error) {
    if (GimoError.is(error)) return null;
    throw error;
  }
}

/**
 * Writes the workspace's copy of what the ledger has already: with that it is in force, and nobody may be told that it
 * failed. A copy that cannot be written is owed: see {@link completeCopy}.
 */
export async function writeCopy(
  document: WatchedDocument,
  what: Watched,
  value: unknown,
  logger: Logger,
): Promise<void> {
  owed.delete(document);
  try {
    await document.write(value);
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    owed.set(document, { value, stamp: stampOf(document) });
    logger.log(
      'warn',
      `What was set is in force, but ${what}.json in the workspace could not be written and is old. It is written as soon as that works. ${error.message}`,
    );
  }
}

/**
 * Tries again to write a copy that is owed. Once somebody has changed the file it is theirs, and nothing is owed.
 * @returns `owed` if the file is still only old: then nobody has changed it
 */
export async function completeCopy(
  document: WatchedDocument,
): Promise<'nothing owed' | 'owed' | 'written'> {
  const copy = owed.get(document);
  if (copy === undefined) return 'nothing owed';
  if (copy.stamp === null || copy.stamp !== stampOf(document)) {
    owed.delete(document);
    return 'nothing owed';
  }
  let written: boolean;
  try {
    written = await document.writeOver(copy.stamp, copy.value);
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    // A write that failed late may have put the file back, as another one.
    owed.set(document, { value: copy.value, stamp: stampOf(document) });
    return 'owed';
  }
  owed.delete(document);
  return written ? 'written' : 'nothing owed';
}
