import { readFileSync, type Stats, statSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { lock } from 'proper-lockfile';
import { GimoError } from '../contract/errors.ts';
import { hasCode } from '../core/system-error.ts';
import { removeFile } from './atomic.ts';
import { lockDir, type Places, quiet, staleMs } from './claim-places.ts';
import { parseJson, storageError } from './files.ts';
import { Holder, readHolder } from './process.ts';

/** Milliseconds between two refreshes of a lock. */
const updateMs = 5_000;

/** Removes the lock of an epoch that nobody holds any more. No error if it is gone already. */
export async function dropLock(places: Places, epoch: number): Promise<void> {
  try {
    await rmdir(lockDir(places, epoch));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw storageError(error, 'an old lock');
  }
}

/** The refusal of one who claims at the same moment as another. */
export const busy = () =>
  new GimoError(
    'not_writer',
    'Another GIMO server is claiming this data directory right now. Try again in a moment.',
  );

/** What keeps a claim: the lock, and the look at whether it is still ours. */
export interface Hold {
  /** Takes the lock of the epoch. @throws GimoError `not_writer` if somebody has it */
  lock(): Promise<void>;
  /** Lets go of the lock alone. */
  unlock(): Promise<void>;
  /** The owner's file that is there now is ours. */
  begin(): void;
  /** As {@link Claim.fence}, which it is. */
  fence(): void;
  release(): Promise<void>;
}

/** @param onLost called once, not from within a fence, when the claim was lost */
export function createHold(
  places: Places,
  holder: Holder,
  onLost: (reason: GimoError) => void,
): Hold {
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

const lostTo = (by: Holder | null) =>
  new GimoError(
    'not_writer',
    by === null
      ? 'This server no longer holds the data directory: a later claim was made. Use the newer server.'
      : `This server no longer holds the data directory: process ${by.pid} on ${by.host} took it over.`,
  );
