import { dirname, join } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { auditFiles } from './audit-read.ts';
import { syncDir, syncFile } from './files.ts';
import { ledgerFolders, ledgerLists, recordFolders } from './layout.ts';

/*
 * A process that was killed may leave names and lines that it had not synced yet. They are there for whoever looks, and
 * gone after a power cut. A server that shows them, or completes what they began, must not be contradicted by that: so
 * they are made durable right after the claim, before anything follows from them. All else is replaced as a whole, by a
 * file that was synced before it got its name, or need not survive (logs of live runs, the witness of the audit).
 */

/**
 * Makes durable what an earlier process left in a data directory and in its ledger, and the epoch that was just
 * claimed. Only the holder of the claim may rely on that, since nobody else adds to it then.
 *
 * @param epoch the file of the epoch
 * @throws GimoError `storage_error`, `storage_full`
 */
export async function syncLeftovers(
  dataDir: string,
  ledgerDir: string,
  epoch: string,
): Promise<void> {
  const records = recordFolders(dataDir);
  const growing = (await auditFiles(records.audit)).slice(-1);
  const files = [epoch, ...Object.values(ledgerLists(ledgerDir)), ...growing];
  const folders = [
    ...[dirname(dataDir), dataDir, join(dataDir, 'ops'), ...Object.values(records)],
    ...[dirname(ledgerDir), ledgerDir, ...Object.values(ledgerFolders(ledgerDir))],
  ];
  await Promise.all([...files.map(syncFile), ...folders.map(syncIfThere)]);
}

async function syncIfThere(dir: string): Promise<void> {
  try {
    await syncDir(dir);
  } catch (error) {
    if (!(GimoError.is(error) && hasCode(error.cause, 'ENOENT', 'ENOTDIR'))) throw error;
  }
}
