import { GimoError } from '../contract/errors.ts';
import { AuditEntry, type verdicts } from '../contract/rows/security.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Ledger } from './ledger-ports.ts';
import { brakePatience, within } from './patience.ts';
import type { AuditFile, AuditHead, Logger } from './ports.ts';
import { systemActor } from './principals.ts';

/** What is known of an act when it begins. */
export interface Act {
  correlationId: string;
  actor: string;
  operation: string;
  /** The id of the record that it is about, if there is one. */
  target: string | null;
  /** A keyed digest of the request; null where there was none. */
  request: string | null;
}

/** What the server does of its own accord: after a start, or from time to time. */
export const systemAct = (
  operation: string,
  target: string | null,
  correlationId: 'recovery' | 'upkeep' = 'recovery',
): Act => ({ correlationId, actor: systemActor, operation, target, request: null });

export interface Audit {
  /** Adds an entry. @throws GimoError `audit_unavailable` if it cannot be made durable; then it is not there */
  append(act: Act, outcome: string): Promise<void>;
  /**
   * Does something between two entries: the intent, synced before `effect` starts, and its outcome. If the intent
   * cannot be written the effect does not happen, unless it is a brake: a brake acts all the same, and waits for the
   * audit only so long.
   * @param success the outcome that is noted when the effect has not failed; `done` if left out
   */
  around<T>(act: Act, effect: () => Promise<T>, brake?: boolean, success?: string): Promise<T>;
}

const start: AuditHead = { seq: 0, mac: '0'.repeat(64) };

/** HMAC over an entry and its predecessor. `text` is the entry's line without its `mac`. */
const macOf = (ledger: Pick<Ledger, 'mac'>, before: string, text: string) =>
  ledger.mac('audit', `gimo-audit-v1\n${before}\n${text}`);

const macField = /,"mac":"([0-9a-f]{64})"\}$/;

interface Pending {
  act: Act;
  outcome: string;
  ts: string;
  done: () => void;
  failed: (error: unknown) => void;
}

/** Opens the audit chain behind the gate. Entries that arrive while others are being synced share the next sync. */
export async function openAudit(ports: {
  file: AuditFile;
  ledger: Ledger;
  clock: Clock;
  logger: Logger;
  /** Takes secrets out of what callers name themselves: the correlation id and the target. */
  redact?: (text: string) => string;
}): Promise<Audit> {
  const { file, ledger, clock, logger, redact = (text: string) => text } = ports;
  let head = await endOf(file, ledger);
  let waiting: Pending[] = [];
  let flushing = false;

  const flush = async () => {
    flushing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      let next = head;
      const lines = batch.map((entry) => {
        const line = lineOf(ledger, next, entry);
        next = line.head;
        return line.text;
      });
      try {
        await file.append(lines, next);
        head = next;
        for (const entry of batch) entry.done();
      } catch (error) {
        for (const entry of batch) entry.failed(unavailable(error));
      }
    }
    flushing = false;
  };

  const append = (act: Act, outcome: string) =>
    new Promise<void>((done, failed) => {
      const clean = {
        ...act,
        correlationId: redact(act.correlationId),
        target: act.target === null ? null : redact(act.target),
      };
      waiting.push({ act: clean, outcome, ts: timestamp(clock), done, failed });
      if (!flushing) void flush();
    });

  const tell = (act: Act, what: string, error: unknown) =>
    logger.log('error', `${what} of ${act.operation} could not be audited: ${String(error)}`, {
      correlation_id: act.correlationId,
    });

  return {
    append,
    async around(act, effect, brake = false, success = 'done') {
      const intent = append(act, 'intent');
      if (brake) intent.catch((error: unknown) => tell(act, 'The intent', error));
      else await intent;
      let outcome = success;
      try {
        return await effect();
      } catch (error) {
        outcome = GimoError.is(error) ? error.code : 'internal';
        throw error;
      } finally {
        // The effect has happened (or not) and stands behind its intent: a failure here must not tell otherwise.
        const noted = append(act, outcome).catch((error: unknown) =>
          tell(act, 'The outcome', error),
        );
        // A brake is not held up by a disk that does not answer.
        await (brake ? within(brakePatience, noted) : noted);
      }
    },
  };
}

const unavailable = (cause: unknown) =>
  GimoError.is(cause, 'not_writer') || GimoError.is(cause, 'storage_full')
    ? cause
    : new GimoError(
        'audit_unavailable',
        'The audit log cannot be written, so nothing was done. Check the disk that holds the workspace, then try again.',
        { cause },
      );

function lineOf(ledger: Ledger, before: AuditHead, entry: Pending) {
  const seq = before.seq + 1;
  const { act, ts, outcome } = entry;
  const text = JSON.stringify({
    seq,
    ts,
    correlation_id: act.correlationId,
    actor: act.actor,
    operation: act.operation,
    target: act.target,
    outcome,
    request: act.request,
  });
  const mac = macOf(ledger, before.mac, text);
  return { text: `${text.slice(0, -1)},"mac":"${mac}"}`, head: { seq, mac } };
}

/**
 * Where the chain goes on after a start: from the end that the ledger witnessed, or from the end of a genuine tail
 * behind it. Never from a line only because it is the last: after the file was replaced by an older copy, a chain that
 * went on from there would soon be witnessed, and look whole.
 */
async function endOf(file: AuditFile, ledger: Ledger): Promise<AuditHead> {
  const witness = (await file.witnessed()) ?? start;
  const last = parseLine((await file.lastLine()) ?? '');
  if (last?.seq === witness.seq && last.mac === witness.mac) return witness;
  const { verdict, end } = await walk(file, ledger);
  return verdict === 'unwitnessed' ? end : witness;
}

/** @returns the entry that a line of the audit is, or null if it is something else */
export function parseLine(line: string): AuditEntry | null {
  try {
    return AuditEntry.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export type Verdict = (typeof verdicts)[number];

/**
 * Checks the whole chain against its keys and against the end that the ledger witnessed.
 *
 * @returns `whole`; `modified` with `at`, the sequence number of the first entry that is not as it was written;
 *   `truncated` with `at`, the last entry that is still there; or `unwitnessed` with `at`, the last entry that the
 *   ledger saw (what follows is genuine, its witness was lost with the machine's power)
 */
export async function verifyAudit(
  file: Pick<AuditFile, 'lines' | 'witnessed'>,
  ledger: Pick<Ledger, 'mac'>,
): Promise<{ verdict: Verdict; at: number | null; entries: number }> {
  const { verdict, at, end } = await walk(file, ledger);
  return { verdict, at, entries: end.seq };
}

/** @returns the verdict, and as `end` the last entry up to which the chain holds */
async function walk(
  file: Pick<AuditFile, 'lines' | 'witnessed'>,
  ledger: Pick<Ledger, 'mac'>,
): Promise<{ verdict: Verdict; at: number | null; end: AuditHead }> {
  const witness = (await file.witnessed()) ?? start;
  let end = start;
  let seen = witness.seq === 0;
  for await (const line of file.lines()) {
    const text = line.replace(macField, '}');
    const entry = parseLine(line);
    const mac = macOf(ledger, end.mac, text);
    if (entry === null || entry.seq !== end.seq + 1 || entry.mac !== mac)
      return { verdict: 'modified', at: end.seq + 1, end };
    end = { seq: entry.seq, mac };
    if (end.seq === witness.seq && end.mac === witness.mac) seen = true;
  }
  if (end.seq < witness.seq) return { verdict: 'truncated', at: end.seq, end };
  if (!seen) return { verdict: 'modified', at: witness.seq, end };
  if (end.seq > witness.seq) {
    // What was written while we looked has its witness by now.
    const later = (await file.witnessed()) ?? start;
    if (later.seq < end.seq) return { verdict: 'unwitnessed', at: witness.seq, end };
  }
  return { verdict: 'whole', at: null, end };
}
