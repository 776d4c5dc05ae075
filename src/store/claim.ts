import { readFileSync, type Stats, statSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { check, lock } from 'proper-lockfile';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { forgetNotes, isAbandoned, noteClaim } from './claim-notes.ts';
import {
  ensureDir,
  parseJson,
  removeFile,
  storageError,
  syncDir,
  writeAtomic,
  writeNew,
} from './files.ts';
import { syncLeftovers } from './leftovers.ts';
import { describeSelf, Holder, holderState, readHolder } from './process.ts';

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

/** Milliseconds after which a lock that nobody refreshes counts as let go, and between two refreshes. */
const staleMs = 10_000;
const updateMs = 5_000;

interface Places {
  owner: string;
  epochs: string;
  epoch(n: number): string;
  lock(n: number): string;
}

function placesOf(dataDir: string, ledgerDir: string): Places {
  const epochs = join(ledgerDir, 'epochs');
  return {
    owner: join(dataDir, 'ops', 'owner.json'),
    epochs,
    epoch: (n) => join(epochs, String(n)),
    // proper-lockfile keeps its locks by this name (it appends .lock): one a process would not do for two epochs.
    lock: (n) => join(ledgerDir, `epoch-${n}`),
  };
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
  const latest = (await epochsIn(places)).at(-1) ?? 0;
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
    await writeAtomic(places.owner, `${JSON.stringify(holder, null, 2)}\n`);
    hold.begin();
    await forgetOlder(places, holder.epoch);
    await syncLeftovers(dataDir, ledgerDir);
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

const busy = () =>
  new GimoError(
    'not_writer',
    'Another GIMO server is claiming this data directory right now. Try again in a moment.',
  );

const lostTo = (by: Holder | null) =>
  new GimoError(
    'not_writer',
    by === null
      ? 'This server no longer holds the data directory: a later claim was made. Use the newer server.'
      : `This server no longer holds the data directory: process ${by.pid} on ${by.host} took it over.`,
  );

const quiet = { throwIfNoEntry: false } as const;
const lockDir = (places: Places, epoch: number) => `${places.lock(epoch)}.lock`;

/** Ascending. */
async function epochsIn(places: Places): Promise<number[]> {
  const names = await readdir(places.epochs);
  return names
    .filter((name) => /^[1-9]\d{0,14}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/*
 * A slow claimer may come here after others have claimed the same number, let go and been cleaned up: the number is
 * free again, but a higher one exists. So look again once the file is there.
 */
async function createEpoch(places: Places, holder: Holder): Promise<void> {
  const path = places.epoch(holder.epoch);
  try {
    await writeNew(path, JSON.stringify(holder));
    await syncDir(places.epochs);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw busy();
    throw storageError(error, 'the claim');
  }
  if ((await epochsIn(places)).at(-1) === holder.epoch) return;
  await removeFile(path);
  throw busy();
}

/* Oldest first: an older holder must never find its own epoch there and the next one gone. */
async function forgetOlder(places: Places, epoch: number): Promise<void> {
  for (const older of await epochsIn(places)) {
    if (older >= epoch) continue;
    await rm(places.epoch(older), { force: true });
    await dropLock(places, older);
  }
  // By now the epoch itself says who claimed it.
  await forgetNotes(places.epochs, epoch);
}

async function dropLock(places: Places, epoch: number): Promise<void> {
  try {
    await rmdir(lockDir(places, epoch));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw storageError(error, 'an old lock');
  }
}

/** What keeps a claim: the lock, and the look at whether it is still ours. */
function createHold(places: Places, holder: Holder, onLost: (reason: GimoError) => void) {
  let unlock: (() => Promise<void>) | null = null;
  let gone: GimoError | null = null;
  let known: Stats | undefined;

  const lose = (reason: GimoError) => {
    if (gone !== null) return;
    gone = reason;
    queueMicrotask(() => onLost(reason));
  };
  const lossOf = (): GimoError | null => {
    if (statSync(places.epoch(holder.epoch), quiet) === undefined) return lostTo(null);
    if (statSync(places.epoch(holder.epoch + 1), quiet) !== undefined) return lostTo(null);
    const found = statSync(places.owner, quiet);
    // Gone or spoilt by hand: the ledger still says that it is ours. Another server's: one with another ledger has it.
    if (found === undefined || sameFile(found, known)) return null;
    if (!found.isFile() || found.size > 64 * 1024) return null;
    const owner = Holder.safeParse(parseJson(readFileSync(places.owner, 'utf8'))).data;
    if (owner !== undefined && !sameHolder(owner, holder)) return lostTo(owner);
    known = found;
    return null;
  };
  const fence = () => {
    if (gone !== null) throw gone;
    const reason = lookForLoss(lossOf);
    if (reason === null) return;
    lose(reason);
    throw reason;
  };
  const take = async () => {
    try {
      unlock = await lock(places.lock(holder.epoch), {
        realpath: false,
        stale: staleMs,
        update: updateMs,
        onCompromised: () => void retake(),
      });
    } catch (error) {
      throw hasCode(error, 'ELOCKED') ? busy() : storageError(error, 'the claim');
    }
  };
  /* The lock vanished or was touched. With the epoch still ours, nobody else has a use for this lock. */
  const retake = async () => {
    unlock = null;
    try {
      fence();
      await dropLock(places, holder.epoch);
      await take();
      if (gone !== null) await letGo();
    } catch (error) {
      // A disk that fails is no other holder: the epoch still says that it is ours. It is tried again.
      if (GimoError.is(error, 'storage_error') || GimoError.is(error, 'storage_full')) {
        if (gone === null) setTimeout(() => void retake(), updateMs).unref();
        return;
      }
      // It comes from a timer, so there is nobody to throw to: whatever it was, the claim cannot be kept.
      lose(GimoError.is(error) ? error : lostTo(null));
    }
  };
  const letGo = async () => {
    const release = unlock;
    unlock = null;
    if (release !== null) await release().catch(ignoreReleased);
  };
  const release = async () => {
    const ours = gone === null && lookForLoss(lossOf) === null;
    gone ??= new GimoError('not_writer', 'This server has let go of the data directory.');
    const owner = await readHolder(places.owner);
    if (owner !== null && sameHolder(owner, holder)) await removeFile(places.owner);
    await letGo();
    if (ours) await dropLock(places, holder.epoch);
  };
  return {
    lock: take,
    unlock: letGo,
    begin: () => {
      known = statSync(places.owner, quiet);
    },
    fence,
    release,
  };
}

function lookForLoss(look: () => GimoError | null): GimoError | null {
  try {
    return look();
  } catch (error) {
    throw storageError(error, 'the claim');
  }
}

/* The lock may have been compromised a moment ago: then there is nothing left to release. */
function ignoreReleased(error: unknown): void {
  if (!hasCode(error, 'ERELEASED', 'ENOTACQUIRED')) throw storageError(error, 'the lock');
}

function sameFile(a: Stats, b: Stats | undefined): boolean {
  return b !== undefined && a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.size === b.size;
}

function sameHolder(a: Holder, b: Holder): boolean {
  return (
    a.host === b.host &&
    a.pid === b.pid &&
    a.process_started === b.process_started &&
    a.epoch === b.epoch &&
    a.claimed_at === b.claimed_at
  );
}
