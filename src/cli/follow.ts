import { setTimeout as wait } from 'node:timers/promises';
import type { Seen } from '../client/events.ts';
import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord } from '../contract/records.ts';
import type { Connection } from './connect.ts';

/*
 * The log is asked for when it has changed. A token has 100 requests a minute, and a follower must leave room for the
 * `cancel` that somebody may want to send with the same token: so a log that changes all the time is asked for often
 * only in the beginning.
 */
const quickWaitMs = 250;
const quickAsks = 20;
const slowWaitMs = 1_000;

/**
 * Hands out the entries of a run's log as they are written, until the run has ended.
 *
 * @param signal stops the following, not the run
 * @returns the run as it ended, or null if the signal stopped the following
 */
export async function follow(
  { client, events }: Pick<Connection, 'client' | 'events'>,
  runId: string,
  onEntry: (entry: LogEntry) => void,
  signal: AbortSignal,
): Promise<RunRecord | null> {
  const over = new AbortController();
  const bell = createBell();
  const listening = listen(events(AbortSignal.any([signal, over.signal])), runId, bell.ring);
  try {
    let after = 0;
    for (let asks = 1; ; asks += 1) {
      await Promise.race([bell.rung(), listening]);
      const found = await askLog(client, runId, after, signal);
      for (const entry of found.entries) onEntry(entry);
      after = found.next;
      if (found.done) return await client.call('getRun', { run_id: runId }, { signal });
      await wait(asks < quickAsks ? quickWaitMs : slowWaitMs, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  } finally {
    over.abort();
    await Promise.allSettled([listening]);
  }
}

/** Rings for every event after which the log of the run may be another. Throws what ends the watching. */
async function listen(seen: AsyncIterable<Seen>, runId: string, ring: () => void) {
  for await (const one of seen)
    if (one.type === 'reset' || (isOfLog(one.event.type) && one.event.id === runId)) ring();
}

const isOfLog = (type: string) => type === 'log' || type === 'run';

/** Remembers that it was rung, however often, until somebody has waited for it. */
function createBell() {
  let rang = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rang = true;
      wake?.();
    },
    async rung() {
      if (!rang)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      rang = false;
    },
  };
}

/** Asks once, and again when the server says that it was asked too often and when to come back. */
async function askLog(
  client: Connection['client'],
  runId: string,
  after: number,
  signal: AbortSignal,
) {
  for (;;)
    try {
      return await client.call('getRunLog', { run_id: runId, after }, { signal });
    } catch (error) {
      if (!GimoError.is(error, 'rate_limited')) throw error;
      await wait((error.retryAfter ?? 1) * 1_000, undefined, { signal });
    }
}
