import { GimoError } from '../contract/errors.ts';
import type { Clock } from './clock.ts';
import { canonical } from './digest.ts';
import type { IdempotencyEntry, Ledger } from './ledger-ports.ts';
import { createLocks } from './locks.ts';
import type { Logger, Store } from './ports.ts';

/** How long a key is remembered, in milliseconds. */
const keptMs = 24 * 60 * 60 * 1000;

/** An attempt that a caller gave a key. */
export interface Attempt {
  actor: string;
  operation: string;
  key: string;
  /** All that makes it the same request as another. */
  request: unknown;
}

/** Carries out an effect that makes these records, between the entry that says so and its end. */
export type Keep = <T>(records: readonly string[], effect: () => Promise<T>) => Promise<T>;

export interface Idempotency {
  /**
   * Does something once for each actor, operation and key. A duplicate that arrives meanwhile waits.
   *
   * @param replay answers an attempt that was carried out before, with its records as they are now; null if they are gone
   * @param work carries it out, its effect within `keep`; an effect that fails keeps nothing
   * @throws GimoError `idempotency_mismatch` if the key was used for another request; `not_found` if what it made is gone
   */
  once<T>(
    attempt: Attempt,
    replay: (records: readonly string[]) => Promise<T | null>,
    work: (keep: Keep) => Promise<T>,
  ): Promise<T>;
  /** After a start: settles attempts that a crash cut off, by whether the records that they make stand. */
  settle(): Promise<void>;
  /** Forgets keys that are older than 24 hours. */
  sweep(): Promise<void>;
}

export function createIdempotency(ports: {
  store: Pick<Store, 'drafts' | 'approved' | 'runs'>;
  ledger: Pick<Ledger, 'mac' | 'idempotency'>;
  clock: Clock;
  logger: Logger;
}): Idempotency {
  const { store, ledger, clock, logger } = ports;
  const entries = ledger.idempotency;
  const locks = createLocks();
  const expired = (entry: IdempotencyEntry) => entry.at + keptMs <= clock.now();
  const mac = (what: string, value: unknown) =>
    ledger.mac('audit', `gimo-idempotency-${what}-v1\n${canonical(value)}`);

  const stands = async (id: string | undefined) => {
    if (id === undefined) return false;
    const records = id.startsWith('d_')
      ? store.drafts
      : id.startsWith('a_')
        ? store.approved
        : store.runs;
    return (await records.get(id)) !== null;
  };
  /** What is noted after the effect cannot undo it: a failure is told to the log. */
  const note = async (job: Promise<void>) => {
    try {
      await job;
    } catch (error) {
      if (!GimoError.is(error)) throw error;
      logger.log('warn', `an idempotency entry could not be noted: ${error.message}`);
    }
  };
  const keeper =
    (entry: Omit<IdempotencyEntry, 'records' | 'at' | 'done'>): Keep =>
    async (records, effect) => {
      await entries.begin({ ...entry, records: [...records], at: clock.now(), done: false });
      try {
        const made = await effect();
        await note(entries.finish(entry.slot));
        return made;
      } catch (error) {
        await note(entries.drop([entry.slot]));
        throw error;
      }
    };

  return {
    async once({ actor, operation, key, request }, replay, work) {
      const slot = mac('slot', [actor, operation, key]);
      return locks.run(slot, async () => {
        const known = await entries.get(slot);
        const asked = mac('request', [operation, request]);
        if (known === null || expired(known)) return work(keeper({ slot, actor, request: asked }));
        if (known.request !== asked) throw mismatch();
        const found = await replay(known.records);
        if (found === null) throw gone();
        return found;
      });
    },
    async settle() {
      for (const entry of await entries.all()) {
        if (entry.done) continue;
        if (await stands(entry.records[0])) await entries.finish(entry.slot);
        else await entries.drop([entry.slot]);
      }
    },
    async sweep() {
      const old = (await entries.all()).filter(expired);
      await entries.drop(old.map(({ slot }) => slot));
    },
  };
}

const mismatch = () =>
  new GimoError(
    'idempotency_mismatch',
    'This idempotency key was used for another request, so nothing was done. Take a new key for a new request.',
  );

const gone = () =>
  new GimoError(
    'not_found',
    'What this idempotency key made is no longer there. Take a new key to make it again.',
  );
