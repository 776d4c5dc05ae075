import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { namesIn, noFollow, storageError, syncDir } from './files.ts';

/*
 * A process that was killed may leave names and lines that it had not synced yet. They are there for whoever looks, and
 * gone after a power cut. A server that shows them, or completes what they began, must not be contradicted by that: so
 * they are made durable right after the claim, before anything follows from them. All else is replaced as a whole, by a
 * file that was synced before it got its name, or need not survive (logs of live runs, the witness of the audit).
 */

const recordFolders = ['drafts', 'approved', 'runs', 'audit', 'quarantine'];
const ledgerFolders = ['', 'runs', 'accepted', 'old', 'epochs', 'secrets'];
const growing = ['idempotency.jsonl', 'decided.jsonl', 'consumed.jsonl'];

/**
 * Makes durable what an earlier process left in a data directory and in its ledger. Only the holder of the claim may
 * rely on that, since nobody else adds to it then.
 *
 * @throws GimoError `storage_error`, `storage_full`
 */
export async function syncLeftovers(dataDir: string, ledgerDir: string): Promise<void> {
  const ops = join(dataDir, 'ops');
  const audit = (await namesIn(join(ops, 'audit'))).filter((name) => name.endsWith('.jsonl'));
  const last = audit.sort().at(-1);
  const files = growing.map((name) => join(ledgerDir, name));
  if (last !== undefined) files.push(join(ops, 'audit', last));
  const folders = [
    ...[dirname(dataDir), dataDir, ops, ...recordFolders.map((name) => join(ops, name))],
    ...[dirname(ledgerDir), ...ledgerFolders.map((name) => join(ledgerDir, name))],
  ];
  await Promise.all([...files.map(syncFile), ...folders.map(syncIfThere)]);
}

async function syncFile(path: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow);
    try {
      if ((await handle.stat()).isFile()) await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // What is missing, or a link, whoever reads it deals with.
    if (!hasCode(error, 'ENOENT', 'ELOOP')) throw storageError(error, basename(path));
  }
}

async function syncIfThere(dir: string): Promise<void> {
  try {
    await syncDir(dir);
  } catch (error) {
    if (!(GimoError.is(error) && hasCode(error.cause, 'ENOENT', 'ENOTDIR'))) throw error;
  }
}
