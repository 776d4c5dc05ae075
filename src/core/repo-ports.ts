/* Read-only looks at the repository, for providers and for clients. See ports.ts. */

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
