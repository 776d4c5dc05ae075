import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerFolders } from './layout.ts';

/** Where the things lie that stand for a claim; what each of them is for stands at the head of claim.ts. */
export interface Places {
  owner: string;
  epochs: string;
  epoch(n: number): string;
  lock(n: number): string;
}

export function placesOf(dataDir: string, ledgerDir: string): Places {
  const { epochs } = ledgerFolders(ledgerDir);
  return {
    owner: join(dataDir, 'ops', 'owner.json'),
    epochs,
    epoch: (n) => join(epochs, String(n)),
    // proper-lockfile keeps its locks by this name (it appends .lock): one a process would not do for two epochs.
    lock: (n) => join(ledgerDir, `epoch-${n}`),
  };
}

/** Milliseconds after which a lock that nobody refreshes counts as let go. */
export const staleMs = 10_000;

/** Of what is not there, nothing. */
export const quiet = { throwIfNoEntry: false } as const;
/** What proper-lockfile makes as the lock of an epoch. */
export const lockDir = (places: Places, epoch: number) => `${places.lock(epoch)}.lock`;

/** The epochs that were ever claimed and are not forgotten, ascending. */
export function epochsIn(places: Places): number[] {
  return readdirSync(places.epochs)
    .filter((name) => /^[1-9]\d{0,14}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
