import { join } from 'node:path';

/*
 * The names of what lies in a data directory and in its ledger. Whoever opens a part takes its place from here, and so
 * does what makes durable what a dead process left (leftovers.ts): none can be opened and then be forgotten there.
 */

/** The folders of a data directory's records. */
export function recordFolders(dataDir: string) {
  const ops = join(dataDir, 'ops');
  return {
    drafts: join(ops, 'drafts'),
    approved: join(ops, 'approved'),
    runs: join(ops, 'runs'),
    audit: join(ops, 'audit'),
    quarantine: join(ops, 'quarantine'),
  };
}

/** The folders of a ledger. */
export function ledgerFolders(ledgerDir: string) {
  return {
    runs: join(ledgerDir, 'runs'),
    accepted: join(ledgerDir, 'accepted'),
    old: join(ledgerDir, 'old'),
    epochs: join(ledgerDir, 'epochs'),
    secrets: join(ledgerDir, 'secrets'),
  };
}

/** The files of a ledger that grow by a line at a time. */
export function ledgerLists(ledgerDir: string) {
  return {
    idempotency: join(ledgerDir, 'idempotency.jsonl'),
    decided: join(ledgerDir, 'decided.jsonl'),
    consumed: join(ledgerDir, 'consumed.jsonl'),
  };
}
