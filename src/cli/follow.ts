import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { LogEntry, RunRecord } from '../contract/records.ts';

/*
 * The log is asked for again and again. A token has 100 requests a minute, and a follower must leave room for the
 * `cancel` that somebody may want to send with the same token: so it asks often only in the beginning.
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
  client: Client,
  runId: string,
  onEntry: (entry: LogEntry) => void,
  signal: AbortSignal,
): Promise<RunRecord | null> {
  try {
    let after = 0;
    for (let asks = 1; ; asks += 1) {
      const found = await askLog(client, runId, after, signal);
      for (const entry of found.entries) onEntry(entry);
      after = found.next;
      if (found.done) return await client.call('getRun', { run_id: runId }, { signal });
      await wait(asks < quickAsks ? quickWaitMs : slowWaitMs, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** Asks once, and again when the server says that it was asked too often and when to come back. */
async function askLog(client: Client, runId: string, after: number, signal: AbortSignal) {
  for (;;)
    try {
      return await client.call('getRunLog', { run_id: runId, after }, { signal });
    } catch (error) {
      if (!GimoError.is(error, 'rate_limited')) throw error;
      await wait((error.retryAfter ?? 1) * 1_000, undefined, { signal });
    }
}
