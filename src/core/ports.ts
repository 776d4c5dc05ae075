import type {
  ApprovedRecord,
  DraftRecord,
  LogEntry,
  RunRecord,
  RunStep,
} from '../contract/records.ts';
import type { LockLevel, SecurityEvent } from '../contract/rows/security.ts';
import type { TokenRole } from './principals.ts';
import type { OldVersions } from './work.ts';

/*
 * What core needs from outside, in core's words. The folders around it implement these; a composition root hands
 * them in. Whatever fails on a disk throws `GimoError` with `storage_full`, `storage_error` or `not_writer`.
 */

/** Milliseconds since 1970, UTC. */
export interface Clock {
  now(): number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** The program's own log. What arrives here is already redacted. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

// ---- the store: the durable record in the workspace; it grants nothing by itself

export interface ListQuery {
  /** At most so many records (1 to 1,000). */
  limit: number;
  /** Only records older than this id, that is with a smaller name. */
  before?: string;
  /** Only records in one of these states; all if left out. */
  status?: readonly string[];
}
export interface ListPage<T> {
  /** Newest first. */
  records: T[];
  /** How many records match in all, on every page. */
  total: number;
  /** The id to pass as `before` for the next page; null on the last one. */
  next: string | null;
}

/** One folder of records, a JSON file each, named after the record's id. */
export interface Records<T> {
  /** @returns the record, or null if there is none that can be read (an unreadable one is quarantined) */
  get(id: string): Promise<T | null>;
  /** Writes a record, new or not, atomically; durable when it resolves. Throws `not_writer` if the claim was lost. */
  put(record: T): Promise<void>;
  /** Deletes a record; no error if it is gone already. */
  remove(id: string): Promise<void>;
  list(query: ListQuery): Promise<ListPage<T>>;
  /** Every id, oldest first, from the names alone. */
  ids(): Promise<readonly string[]>;
  /** How many records there are in each state. */
  counts(): Promise<Record<string, number>>;
  /**
   * The newest record of each of these tags, by tag, where there is one: a draft's tag is its plan task, a run's the
   * artifact that it was made of.
   */
  newest(tags: Iterable<string>): Promise<Map<string, T>>;
}

/** A single JSON document of the workspace: `plan.json`, `config.json` or `provider.json`. */
export interface Document {
  /** @returns the parsed JSON, or null if there is no file or it cannot be parsed */
  read(): Promise<unknown>;
  write(value: unknown): Promise<void>;
}

/** The growing logs of live runs, beside their records. */
export interface RunLogs {
  /** Appends entries; visible to readers when it resolves. Not synced: the record that they are folded into is. */
  append(runId: string, entries: readonly LogEntry[]): Promise<void>;
  /** All entries written so far; a torn last line is left out. Empty if there is no log file. */
  read(runId: string): Promise<LogEntry[]>;
  /** Deletes the log file, once its entries stand in the record. */
  remove(runId: string): Promise<void>;
}

/** What stands where a document is looked for. */
export type FoundDocument =
  | { state: 'missing' }
  /** `why` is a sentence. */
  | { state: 'unreadable'; why: string }
  | { state: 'json'; value: unknown };

/** A document that people and agents may change by hand, which has no effect until a person accepts it. */
export interface WatchedDocument extends Document {
  look(): Promise<FoundDocument>;
  /** Another text whenever the file is another. Costs one stat. */
  stamp(): string;
}

export interface Quarantined {
  file: string;
  reason: string;
}

export interface Store {
  readonly drafts: Records<DraftRecord>;
  readonly approved: Records<ApprovedRecord>;
  readonly runs: Records<RunRecord>;
  readonly runLogs: RunLogs;
  readonly plan: Document;
  readonly config: WatchedDocument;
  readonly provider: WatchedDocument;
  readonly allowlist: WatchedDocument;
  /**
   * Tells when one of the watched documents may have changed. Where the system cannot tell, it stays silent.
   * @returns a function that ends it
   */
  watch(changed: () => void): () => void;
  /** Records that could not be read and were moved aside. */
  quarantined(): Promise<Quarantined[]>;
}

// ---- the ledger: outside the workspace; what it does not know has no effect

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
export interface Consumption {
  /** The artifact's. */
  id: string;
  run_id: string;
}

/** Which approvals are spent, for good: also once their runs are gone. */
export interface Consumed {
  /** Durable when it resolves. */
  note(consumption: Consumption): Promise<void>;
  /** @throws GimoError `storage_error` if they cannot be read */
  all(): Promise<Consumption[]>;
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

// ---- audit

/** The end of the audit chain. `mac` is the last entry's; 64 zeros before the first. */
export interface AuditHead {
  seq: number;
  mac: string;
}

/** The append-only audit file, and the witness of its end in the ledger. */
export interface AuditFile {
  /** The last line that stands in the file, or null; read once at start. */
  lastLine(): Promise<string | null>;
  /**
   * Appends whole lines (without line ends) and syncs them, then keeps `head` in the ledger. All or nothing: when it
   * throws, the file holds none of them.
   */
  append(lines: readonly string[], head: AuditHead): Promise<void>;
  /**
   * Every line, oldest first, across rotated files.
   * @param from leaves out whole files that end before the entry with this number; lines before it may still come
   */
  lines(from?: number): AsyncIterable<string>;
  /** The last lines, at most so many, oldest first. */
  tail(most: number): Promise<string[]>;
  /** The end of the chain as the ledger witnessed it; null before the first entry. */
  witnessed(): Promise<AuditHead | null>;
}

// ---- secrets

/**
 * Where tokens and provider keys are kept: VS Code's SecretStorage, or 0600 files of the ledger. Names are
 * `token.<role>` and `provider.<name>`.
 */
export interface SecretVault {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
  delete(name: string): Promise<void>;
}

// ---- the repository

/** A read-only look at the repository, for providers that answer from it. Denied files never show. */
export interface RepoFacts {
  /** The branch (null outside git or on a detached head), how many files are changed, how many there are to read. */
  overview(): Promise<{ branch: string | null; changed: number; files: number }>;
  /**
   * Lines that hold one of the words, the best matches first, always in the same order for the same files.
   * @param words lower case
   * @param most how many lines at most
   */
  matches(
    words: readonly string[],
    most: number,
    signal: AbortSignal,
  ): Promise<{ file: string; line: number; content: string }[]>;
}

// ---- the server around the core

/** What an operation may do to the server that carries it out. */
export interface ServerControl {
  /**
   * Gives a role a new token. When it resolves the old one is worth nothing, and its event streams have ended.
   * @throws GimoError `conflict_state` if the token was given from outside
   */
  rotateToken(role: TokenRole): Promise<string>;
  /** Begins to stop, and starts again on the same port. Requests that are under way are answered. */
  restart(): void;
  /** Begins to stop, on purpose. Requests that are under way are answered. */
  stop(): void;
}

// ---- what clients may read of the repository

/** What may be looked at, and what must not be seen there. */
export interface RepoScope {
  /** The repository's real path. */
  root: string;
  /** The files and folders that may be read (normal paths); null for everything that is not denied. */
  covered: readonly string[] | null;
  /** Known secrets; they, and what looks like one, are replaced in everything that is handed out. */
  secrets: readonly string[];
}

/**
 * Looks into a repository on behalf of clients, off the event loop and bounded in time. Denied names, what is not
 * text, what a symlink leads out to and what is not covered never show. Throws `path_refused` for such a path (whether
 * there is something or not), `not_found`, `validation_error` with the status 400 for a folder that is a file or the
 * other way round and for a bad ref, `payload_too_large`.
 */
export interface RepoReader {
  /** Tells from paths alone, without a look at what is there, which ones may be read. */
  judge(covered: RepoScope['covered']): (path: string) => boolean;
  /** @returns null if there is nothing. The scope's cover does not count */
  kindOf(root: string, path: string): Promise<'file' | 'dir' | null>;
  /** @param depth how many levels of folders below `path`; at most `most` files, the nearest, sorted */
  tree(
    scope: RepoScope,
    path: string,
    depth: number,
    most: number,
  ): Promise<{ files: string[]; truncated: boolean }>;
  /**
   * A text file, whole, with its line numbers as they are.
   * @param known the identity of a version that the caller has already
   * @returns the identity changes with the file; `text` is null if it is the known one
   */
  text(
    scope: RepoScope,
    path: string,
    known: string | null,
  ): Promise<{ identity: string; text: string | null }>;
  /** Lines that hold `text` in any case. Secrets are replaced before, so that a search cannot guess them. */
  search(
    scope: RepoScope,
    find: { text: string; ext: string | null; most: number },
  ): Promise<{ results: { file: string; line: number; content: string }[]; truncated: boolean }>;
  /** The changes between two commits, or their summary; at most about `most` bytes. */
  diff(
    scope: RepoScope,
    ask: { base: string; head: string; stat: boolean; most: number },
  ): Promise<{ text: string; truncated: boolean }>;
}

/** Copies of what clients read, kept for a while: who pages through a file sees one version of it. */
export interface Snapshots {
  /** Identifies the version that is kept under a key; null if there is none. */
  identityOf(key: string): string | null;
  /** @returns null if it is not there any more, or not as it was written */
  read(key: string): Promise<string | null>;
  keep(key: string, identity: string, text: string): Promise<void>;
}

/** The repositories that may be selected. Paths are real paths; `shown` is how a caller sees them. */
export interface Repos {
  /** The workspace. */
  readonly root: string;
  /** The folder that the repositories lie under. */
  readonly bound: string;
  list(): Promise<{ name: string; path: string }[]>;
  /**
   * Finds the repository that a caller names, as it is or as it was shown.
   * @throws GimoError `path_refused` with the status 400 outside, `not_found`
   */
  find(given: string): Promise<string>;
  /** Masks home directories. */
  shown(path: string): string;
  /** Makes what a repository needs and does not have. @returns what was made, relative to it */
  prepare(repo: string): Promise<string[]>;
}
