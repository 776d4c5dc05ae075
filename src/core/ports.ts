import type { ApprovedRecord, DraftRecord, LogEntry, RunRecord } from '../contract/records.ts';
import type { TokenRole } from './principals.ts';

/*
 * What core needs from outside, in core's words. The folders around it implement these; a composition root hands
 * them in. Whatever fails on a disk throws `GimoError` with `storage_full`, `storage_error` or `not_writer`.
 *
 * Here stand the durable record and the program around the rules; apart from it stand the ledger (ledger-ports.ts),
 * looks at the repository (repo-ports.ts), and whoever does the work (work.ts).
 */

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
  /** How many records match in all, on every page; null if they are not counted yet, soon after a start. */
  total: number | null;
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
  /** Writes only over the file of that stamp, looked at right before. @returns false if it is another by now */
  writeOver(stamp: string, value: unknown): Promise<boolean>;
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
  readonly plan: WatchedDocument;
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
  /** Keeps these, by name, and leaves all others as they are. What is made together is to be set together. */
  set(secrets: Readonly<Record<string, string>>): Promise<void>;
  delete(name: string): Promise<void>;
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
