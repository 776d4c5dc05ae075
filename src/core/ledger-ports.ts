import type { RunRecord, RunStep } from '../contract/records.ts';
import type { LockLevel, SecurityEvent } from '../contract/rows/security.ts';
import type { OldVersions } from './work.ts';

/* The ledger, which lies outside the workspace: what it does not know has no effect. See ports.ts. */

export type KeyPurpose = 'seal' | 'audit' | 'proof' | 'attach';

/** What a run's log is known by: how many entries it has, and SHA-256 (hex) over them. */
export interface LogMark {
  entries: number;
  sha256: string;
}

/**
 * The ledger's entry of a run: the truth about it, written before the run's file. Without one, a run file never
 * executes. It is also the journal: which step began and which ended.
 */
export interface RunEntry {
  id: string;
  approved_id: string;
  /** Digest of what was approved. */
  digest: string;
  status: RunRecord['status'];
  steps: RunStep[];
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  error: string | null;
  actor: string;
  /** How often execution has begun: 0 while it waits, 1 once it runs, more after a restart in the middle. */
  attempt: number;
  /** Somebody asked for it to stop. */
  cancel_requested: boolean;
  /** Somebody asked for it to wait before its next step. */
  pause_requested?: boolean | undefined;
  /** Milliseconds that it was `running`, up to the last time that it stopped being so or a step ended. */
  ran_ms?: number | undefined;
  /** What the step that is under way has noted, so that it can be settled after a crash. */
  trace?: unknown;
  /** The log up to the last change of the entry. Left out in entries of older versions. */
  log?: LogMark | undefined;
  /** When it was undone, once nothing of it was left in the workspace. */
  undone_at?: string | undefined;
}

export interface RunEntries {
  get(id: string): Promise<RunEntry | null>;
  /** The entry as it is kept in memory: once the run is over, without the results of its steps. */
  glance(id: string): Promise<RunEntry | null>;
  put(entry: RunEntry): Promise<void>;
  remove(id: string): Promise<void>;
  /** Every entry, oldest first; see {@link RunEntries.glance}. */
  all(): Promise<RunEntry[]>;
}

/** The contents of `config.json` or `provider.json` that a person last accepted. */
export interface Accepted {
  read(): Promise<unknown>;
  write(value: unknown): Promise<void>;
}

/** What is kept of an attempt to create something under an idempotency key. */
export interface IdempotencyEntry {
  /** Stands for actor, operation and key, and tells none of them. */
  slot: string;
  actor: string;
  /** A keyed digest of the request. */
  request: string;
  /** The ids of the records that it makes, the one that decides whether it happened first. */
  records: string[];
  /** When it began, in milliseconds since 1970. */
  at: number;
  /** It has happened: the records stand, or stood. */
  done: boolean;
}

export interface IdempotencyEntries {
  get(slot: string): Promise<IdempotencyEntry | null>;
  /** Keeps an entry, new or not; durable when it resolves. */
  begin(entry: IdempotencyEntry): Promise<void>;
  /** Notes that it has happened. Not synced: the records tell as much. */
  finish(slot: string): Promise<void>;
  drop(slots: readonly string[]): Promise<void>;
  /** Every entry, oldest first. */
  all(): Promise<IdempotencyEntry[]>;
}

/** What was decided about a draft, for good. */
export interface Decision {
  /** The draft's. */
  id: string;
  status: 'approved' | 'rejected' | 'error';
  approved_id: string | null;
  /** Left out where there is none. */
  reject_reason?: string | null | undefined;
}

/** Which drafts were decided: where no agent can write, other than the drafts themselves. */
export interface Decided {
  /** Durable when it resolves. */
  note(decision: Decision): Promise<void>;
  /** Forgets drafts; not synced. */
  drop(draftIds: readonly string[]): Promise<void>;
  /** @throws GimoError `storage_error` if they cannot be read */
  all(): Promise<Decision[]>;
}

/** Which run an approval with effects was spent on. */
export interface SpentApproval {
  /** The artifact's. */
  id: string;
  run_id: string;
}

/** Which approvals are spent, for good: also once their runs are gone. */
export interface Consumed {
  /** Durable when it resolves. */
  note(spent: SpentApproval): Promise<void>;
  /** @throws GimoError `storage_error` if they cannot be read */
  all(): Promise<SpentApproval[]>;
}

export interface Ledger {
  /** Names the key that {@link Ledger.mac} uses. */
  readonly keyId: string;
  /** HMAC-SHA-256 in lower-case hex, with the key of that purpose. */
  mac(purpose: KeyPurpose, data: string): string;
  readonly runs: RunEntries;
  readonly config: Accepted;
  readonly provider: Accepted;
  readonly allowlist: Accepted;
  readonly idempotency: IdempotencyEntries;
  readonly decided: Decided;
  readonly consumed: Consumed;
  readonly oldVersions: OldVersions;
  /** SHA-256 hashes (hex) of tokens that were once valid. */
  rememberToken(role: string, sha256: string): Promise<void>;
  /** Whether a token with this hash was ever valid. Synchronous: it stands in the way of every request. */
  knewToken(sha256: string): boolean;
  /** Whether this role ever had a token. */
  hadToken(role: string): boolean;
  readonly security: SecurityFile;
}

/** What the lockdown remembers over a restart. */
export interface SecurityState {
  level: LockLevel;
  /** Oldest first. */
  events: readonly SecurityEvent[];
}
export interface SecurityFile {
  /** @returns null if there is none that is as it was written: whoever asks then has to assume the worst */
  read(): Promise<SecurityState | null>;
  /** Writes are carried out in the order of the calls. */
  write(state: SecurityState): Promise<void>;
}
