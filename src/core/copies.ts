import { GimoError } from '../contract/errors.ts';
import type { Watched } from '../contract/rows/upkeep.ts';
import type { Document, Logger } from './ports.ts';

/**
 * Writes the workspace's copy of what the ledger has already: with that it is in force, and nobody may be told that it
 * failed. Where the copy cannot be written, it shows as changed outside.
 */
export async function writeCopy(
  document: Pick<Document, 'write'>,
  what: Watched,
  value: unknown,
  logger: Logger,
): Promise<void> {
  try {
    await document.write(value);
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    logger.log(
      'warn',
      `What was set is in force, but ${what}.json in the workspace could not be written, so it shows as changed outside. ${error.message}`,
    );
  }
}
