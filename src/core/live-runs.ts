import type { LogEntry } from '../contract/records.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Events } from './events.ts';
import type { RunEntry } from './ledger-ports.ts';
import { createLineRedactor } from './line-redactor.ts';
import type { Logger, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import { createRunLog, type RunLog } from './run-log.ts';

/** A run that is not over, or whose end the disk has not taken yet. */
export interface LiveRun {
  entry: RunEntry;
  /** Being worked on, here and now; or not to be begun (any more). */
  begun: boolean;
  /** Since when it has been running, in milliseconds since 1970, as far as `ran_ms` does not count it yet. */
  since: number;
  /** Its end is being written: a line that comes now is late. */
  closing: boolean;
  log: RunLog;
  redactLine: (line: string, step: string | undefined) => string;
  /** Its end, once the disk has refused it: no other takes its place. */
  ending: (() => Promise<void>) | undefined;
  /** Tries again to write its end, and after how many milliseconds it did so last; see run-changes.ts. */
  retry: NodeJS.Timeout | undefined;
  retryMs: number | undefined;
}

export interface LiveRunPorts {
  store: Pick<Store, 'runLogs'>;
  redactor: Pick<Redactor, 'redact'>;
  events: Pick<Events, 'publish'>;
  clock: Clock;
  logger: Logger;
}

/** The runs that are live, in memory, each with its log. */
export interface LiveRuns {
  get(runId: string): LiveRun | undefined;
  all(): LiveRun[];
  /**
   * Takes up a run.
   * @param before the lines of its log so far
   * @param mayBegin false: nobody is to work on it
   */
  takeUp(entry: RunEntry, before: readonly LogEntry[], mayBegin: boolean): void;
  drop(runId: string): void;
  /** Adds a line to a run's log, redacted; nothing once its end is being written. */
  log(runId: string, level: string, msg: string, step?: string): void;
  /** The time that a run has been running, counted up to now, in milliseconds. */
  ran(run: LiveRun): number;
}

export function createLiveRuns(ports: LiveRunPorts): LiveRuns {
  const { store, redactor, events, clock, logger } = ports;
  const live = new Map<string, LiveRun>();
  return {
    get: (runId) => live.get(runId),
    all: () => [...live.values()],
    takeUp(entry, before, mayBegin) {
      const { id } = entry;
      live.set(id, {
        ...{ entry, begun: !mayBegin, closing: false, since: clock.now() },
        ...{ ending: undefined, retry: undefined, retryMs: undefined },
        redactLine: createLineRedactor(redactor.redact),
        log: createRunLog({
          before,
          append: (lines) => store.runLogs.append(id, lines),
          told: () => events.publish({ type: 'log', id }),
          lost: (error) =>
            logger.log('error', `lines of ${id}'s log could not be written: ${String(error)}`),
        }),
      });
    },
    drop: (runId) => void live.delete(runId),
    log(runId, level, msg, step) {
      const run = live.get(runId);
      if (run === undefined || run.closing || (run.log.isCut() && step !== undefined)) return;
      run.log.add({
        ts: timestamp(clock),
        level,
        msg: run.redactLine(msg, step).toWellFormed(),
        ...(step === undefined ? {} : { step }),
      });
    },
    ran(run) {
      const before = run.since;
      run.since = clock.now();
      return (run.entry.ran_ms ?? 0) + Math.max(0, run.since - before);
    },
  };
}
