import { setTimeout as wait } from 'node:timers/promises';
import type { Seen } from '../client/events.ts';
import type { LogEntry, RunRecord } from '../contract/records.ts';
import type { Connection } from './connect.ts';
import { createBell, patiently } from './patience.ts';

/*
 * The log is asked for when it has changed. A token has 100 requests a minute, and a follower must leave room for the
 * `cancel` that somebody may want to send with the same token: so a log that changes all the time is asked for often
 * only in the beginning.
 */
const quickWaitMs = 250;
const quickAsks = 20;
const slowWaitMs = 1_000;

/** What is told while a run is followed. */
export interface Followed {
  entry(entry: LogEntry): void;
  /** The run waits for a person, and goes on when somebody resumes it; told once a pause. */
  paused(run: RunRecord): void;
}

/**
 * Hands out the entries of a run's log as they are written, until the run has ended.
 *
 * @param signal stops the following, not the run
 * @returns the run as it ended, or null if the signal stopped the following
 */
export async function follow(
  { client, events }: Pick<Connection, 'client' | 'events'>,
  runId: string,
  told: Followed,
  signal: AbortSignal,
): Promise<RunRecord | null> {
  const over = new AbortController();
  const bell = createBell();
  /** Whether the run may be in another state than it was. */
  let moved = false;
  const listening = listen(events(AbortSignal.any([signal, over.signal])), runId, (isOfRun) => {
    moved ||= isOfRun;
    bell.ring();
  });
  try {
    let after = 0;
    let paused = false;
    for (let asks = 1; ; asks += 1) {
      await Promise.race([bell.rung(), listening]);
      const found = await askLog(client, runId, after, signal);
      for (const entry of found.entries) told.entry(entry);
      after = found.next;
      const looks = moved || found.done;
      moved = false;
      const run = looks ? await askRun(client, runId, signal) : null;
      if (found.done && run !== null) return run;
      if (run !== null && run.status === 'paused' && !paused) told.paused(run);
      if (run !== null) paused = run.status === 'paused';
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

/**
 * Rings for every event after which the log of the run may be another, and tells whether the run may be, too. Throws
 * what ends the watching.
 */
async function listen(seen: AsyncIterable<Seen>, runId: string, ring: (isOfRun: boolean) => void) {
  for await (const one of seen) {
    if (one.type === 'reset') ring(true);
    else if (one.event.id === runId && isOfLog(one.event.type)) ring(one.event.type === 'run');
  }
}

const isOfLog = (type: string) => type === 'log' || type === 'run';

const askLog = (client: Connection['client'], run_id: string, after: number, signal: AbortSignal) =>
  patiently(() => client.call('getRunLog', { run_id, after }, { signal }), signal);

const askRun = (client: Connection['client'], run_id: string, signal: AbortSignal) =>
  patiently(() => client.call('getRun', { run_id }, { signal }), signal);
