import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from 'proper-lockfile';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { removeFile, writeAtomic, writeNew } from './atomic.ts';
import { busy, createHold, dropLock } from './claim-hold.ts';
import { forgetNotes, isAbandoned, noteClaim } from './claim-notes.ts';
import { epochsIn, lockDir, type Places, placesOf, quiet, staleMs } from './claim-places.ts';
import { ensureDir, storageError } from './files.ts';
import { syncLeftovers } from './leftovers.ts';
import { describeSelf, type Holder, holderState, readHolder } from './process.ts';

/*
 * One writer a data directory. Three things stand for a claim, each for what the others cannot tell:
 *
 * - `owner.json` in the data directory says to everyone who shares the directory, other hosts included, who writes.
 * - `epochs/<N>` in the ledger, created with `wx`, numbers the claims. Whoever holds N has lost it the moment that
 *   N+1 exists, and is told so right before every rename. It also names the holder, where no agent can write.
 * - proper-lockfile's lock of epoch N keeps two that claim at once apart, says by its absence that the holder let go,
 *   and by its freshness that a holder lives who could not be asked. It is a lock for each epoch, so that the lock of a
 *   killed holder, which goes stale only after seconds, is in nobody's way.
 *
 * The order of reading matters: the highest epoch first, then who holds it. The other way round, somebody who claims
 * between the two reads would be taken for the dead holder that was read before.
 */

/** The right to write a data directory. */
export interface Claim {
  /** Grows with every claim of this ledger. */
  readonly epoch: number;
  /** Throws `GimoError('not_writer')` if the claim was lost or released. Synchronous and cheap (three stats). */
  fence(): void;
  /** Lets go, so that the next claim need not wait or look whether we live. */
  release(): Promise<void>;
}

export interface ClaimOptions {
  dataDir: string;
  ledgerDir: string;
  /** A person said that the holder on another host is gone. */
  takeOver?: boolean;
  /** Called once, not from within a fence, when the claim was lost. */
  onLost: (reason: GimoError) => void;
}

/**
 * Claims a data directory for this process.
 *
 * @throws GimoError `not_writer`, naming process and host, when somebody else holds it; `storage_*` when the disk fails
 */
export async function claimDataDir(options: ClaimOptions): Promise<Claim> {
  const { dataDir, ledgerDir, takeOver = false } = options;
  const places = placesOf(dataDir, ledgerDir);
  await ensureDir(join(dataDir, 'ops'));
  await ensureDir(places.epochs);
  const latest = epochsIn(places).at(-1) ?? 0;
  await refuseIfHeld(places, latest, takeOver);
  const holder = await describeSelf(latest + 1);
  const hold = createHold(places, holder, options.onLost);
  const note = await noteClaim(places.epochs, holder);
  try {
    if (await isAbandoned(places.epochs, holder.epoch, note)) await dropLock(places, holder.epoch);
    await hold.lock();
  } catch (error) {
    await rm(note, { force: true });
    throw error;
  }
  try {
    await createEpoch(places, holder);
    await writeAtomic(places.owner, `${JSON.stringify(holder, null, 2)}\n`, { durable: false });
    hold.begin();
    await syncLeftovers(dataDir, ledgerDir, places.epoch(holder.epoch));
    await forgetOlder(places, holder.epoch);
    return { epoch: holder.epoch, fence: hold.fence, release: hold.release };
  } catch (error) {
    await hold.unlock();
    throw error;
  }
}

async function refuseIfHeld(places: Places, latest: number, takeOver: boolean): Promise<void> {
  const owner = await readHolder(places.owner);
  if (owner !== null) await refuseHolder(owner, takeOver);
  if (latest === 0 || statSync(lockDir(places, latest), quiet) === undefined) return;
  const holder = await readHolder(places.epoch(latest));
  if (holder !== null) return refuseHolder(holder, takeOver);
  if (await isAbandoned(places.epochs, latest)) return;
  if (await check(places.lock(latest), { realpath: false, stale: staleMs })) throw busy();
}

async function refuseHolder(holder: Holder, takeOver: boolean): Promise<void> {
  const state = await holderState(holder);
  if (state === 'dead' || (state === 'elsewhere' && takeOver)) return;
  const who = `process ${holder.pid} on ${holder.host}`;
  throw new GimoError(
    'not_writer',
    state === 'alive'
      ? `Another GIMO server holds this data directory: ${who}. Use that one, or stop it first.`
      : `A GIMO server on another machine holds this data directory: ${who}. If it is gone, take over.`,
  );
}

/*
 * A slow claimer may come here after others have claimed the same number, let go and been cleaned up: the number is
 * free again, but a higher one exists. So look again once the file is there.
 */
async function createEpoch(places: Places, holder: Holder): Promise<void> {
  const path = places.epoch(holder.epoch);
  try {
    // It is made durable together with what others left.
    await writeNew(path, JSON.stringify(holder), { durable: false });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw busy();
    throw storageError(error, 'the claim');
  }
  if (epochsIn(places).at(-1) === holder.epoch) return;
  await removeFile(path);
  throw busy();
}

/* Oldest first: an older holder must never find its own epoch there and the next one gone. */
async function forgetOlder(places: Places, epoch: number): Promise<void> {
  for (const older of epochsIn(places)) {
    if (older >= epoch) continue;
    await rm(places.epoch(older), { force: true });
    await dropLock(places, older);
  }
  // By now the epoch itself says who claimed it.
  await forgetNotes(places.epochs, epoch);
}
