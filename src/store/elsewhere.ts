import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './files.ts';
import { ledgerFolders } from './layout.ts';
import { dataDirOf, ledgerDir } from './paths.ts';

/**
 * The allowlist that a person accepted in another repository, by a server of its own. It is only read: that ledger
 * belongs to the server there.
 *
 * @param home where the ledgers lie
 * @param repo a real path
 * @returns null if none was accepted, or its data directory is none: a link could borrow the ledger of another
 */
export async function allowlistElsewhere(home: string, repo: string): Promise<unknown> {
  const dataDir = dataDirOf(repo);
  const found = lstatSync(dataDir, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) return null;
  return readJson(join(ledgerFolders(ledgerDir(home, dataDir)).accepted, 'allowlist.json'));
}
