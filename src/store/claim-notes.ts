import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { together } from '../core/patience.ts';
import { writeNew } from './atomic.ts';
import { storageError, syncDir, syncFile } from './files.ts';
import { type Holder, holderState, readHolder } from './process.ts';

/*
 * A process that is killed while it claims leaves a lock that looks alive for seconds. So whoever is about to claim an
 * epoch says so first, in a file of its own beside the epochs: where all who did are dead, the lock is nobody's.
 */

const claimNote = /^([1-9]\d{0,14})\.by-\d+-[0-9a-f]{12}$/;

/** @returns the note's path */
export async function noteClaim(epochs: string, holder: Holder): Promise<string> {
  const unique = `${holder.pid}-${randomBytes(6).toString('hex')}`;
  const path = join(epochs, `${holder.epoch}.by-${unique}`);
  try {
    await writeNew(path, JSON.stringify(holder), { durable: false });
    // Before there is a lock: else a power cut could leave that one alone.
    await together([syncFile(path), syncDir(epochs)]);
  } catch (error) {
    throw storageError(error, 'the claim');
  }
  return path;
}

/**
 * Whether everybody who said that they claim an epoch is dead. A note that cannot be read is half written, and its
 * writer had not come to the lock yet.
 *
 * @param ours the note that does not count
 */
export async function isAbandoned(epochs: string, epoch: number, ours?: string): Promise<boolean> {
  let dead = 0;
  for (const name of readdirSync(epochs)) {
    const path = join(epochs, name);
    if (claimNote.exec(name)?.[1] !== String(epoch) || path === ours) continue;
    const holder = await readHolder(path);
    if (holder === null) continue;
    if ((await holderState(holder)) !== 'dead') return false;
    dead += 1;
  }
  return dead > 0;
}

/** Forgets the notes of an epoch, and of all before it. */
export async function forgetNotes(epochs: string, epoch: number): Promise<void> {
  for (const name of readdirSync(epochs)) {
    const noted = Number(claimNote.exec(name)?.[1]);
    if (noted <= epoch) await rm(join(epochs, name), { force: true });
  }
}
