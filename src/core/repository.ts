import { GimoError } from '../contract/errors.ts';
import type { AllowedPath } from '../contract/rows/repository.ts';
import { type AllowEntry, readAllowlist } from './allowlist.ts';
import { allowlistHandlers } from './allowlist-handlers.ts';
import type { Clock } from './clock.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Logger, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { RepoReader, RepoScope, Repos, Snapshots } from './repo-ports.ts';
import { mostFiles, readHandlers } from './repo-reading.ts';
import { repoHandlers } from './repo-selection.ts';

/** Levels of folders that are looked through for files that a model is shown. */
const deepest = 100;

/** What the rules of reading need from outside. */
export interface RepositoryPorts {
  ledger: Pick<Ledger, 'allowlist'>;
  store: Pick<Store, 'allowlist'>;
  reader: RepoReader;
  snapshots: Snapshots;
  repos: Repos;
  /** The allowlist that was accepted in another repository, by a server of its own; null if none was. */
  acceptedIn: (repo: string) => Promise<unknown>;
  redactor: Redactor;
  clock: Clock;
  logger: Logger;
  /** Whether only what an entry covers may be read. */
  requireAllowlist: boolean;
  /** Seconds that an entry holds where nothing else is said. */
  allowlistTtl: number;
}

/** Whether clients may read a path of the workspace, as far as its name says. */
export type Judge = (path: string) => boolean;

export interface Repository {
  readonly handlers: ReturnType<typeof readHandlers> &
    ReturnType<typeof repoHandlers> &
    ReturnType<typeof allowlistHandlers>;
  /** The entries that hold now and lead to something. */
  allowed(): Promise<AllowedPath[]>;
  /** The files of the workspace that clients may read, sorted by name; the nearest, where there are very many. */
  readable(): Promise<{ files: string[]; truncated: boolean }>;
  /** Whether clients may read this path of the workspace; tells nothing of whether something is there. */
  mayRead(path: string): Promise<boolean>;
  /** Tells which paths of the workspace clients may read as of now, whatever is there: costs no look at the disk. */
  judge(): Promise<Judge>;
}

/** Makes the rules of what clients may read of the repository, and who may say so. */
export function createRepository(ports: RepositoryPorts): Repository {
  const { repos } = ports;
  /* Kept in memory: after a restart, tree, file, search and diff look at the workspace again. */
  let active = repos.root;
  const scopeOf = async (root: string): Promise<RepoScope> => ({
    root,
    secrets: ports.redactor.values(),
    covered: ports.requireAllowlist ? (await entriesOf(ports, root)).map(({ path }) => path) : null,
  });
  const scope = () => scopeOf(active);
  return {
    allowed: () => allowedPaths(ports),
    readable: async () => ports.reader.tree(await scopeOf(repos.root), '.', deepest, mostFiles),
    judge: async () => ports.reader.judge((await scopeOf(repos.root)).covered),
    mayRead: async (path) => mayRead(ports.reader, await scopeOf(repos.root), path),
    handlers: {
      ...readHandlers(ports, scope),
      ...repoHandlers({
        ...{ repos, redactor: ports.redactor, active: () => active },
        select(repo) {
          active = repo;
        },
      }),
      ...allowlistHandlers({ ...ports, allowed: () => allowedPaths(ports) }),
    },
  };
}

/** The unexpired entries of what was accepted for a repository. */
async function entriesOf(ports: RepositoryPorts, repo: string): Promise<AllowEntry[]> {
  const { ledger, repos, clock, allowlistTtl } = ports;
  const accepted =
    repo === repos.root ? await ledger.allowlist.read() : await ports.acceptedIn(repo);
  const now = clock.now();
  return (readAllowlist(accepted, allowlistTtl) ?? []).filter(({ expiresAt }) => expiresAt > now);
}

async function allowedPaths(ports: RepositoryPorts): Promise<AllowedPath[]> {
  const { reader, repos } = ports;
  const found: AllowedPath[] = [];
  for (const { path, expiresAt } of await entriesOf(ports, repos.root)) {
    const type = await kindOrNull(reader, repos.root, path);
    if (type !== null) found.push({ path, type, expires_at: new Date(expiresAt).toISOString() });
  }
  return found;
}

async function mayRead(reader: RepoReader, scope: RepoScope, path: string): Promise<boolean> {
  try {
    await reader.text(scope, path, null);
    return true;
  } catch (error) {
    if (GimoError.is(error, 'path_refused')) return false;
    // Nothing, a folder, a large file: of what is covered, callers may be told.
    if (GimoError.is(error, 'not_found') || GimoError.is(error, 'validation_error')) return true;
    if (GimoError.is(error, 'payload_too_large')) return true;
    throw error;
  }
}

/** @returns null for what is not there, and for what no entry can allow */
async function kindOrNull(reader: RepoReader, root: string, path: string) {
  try {
    return await reader.kindOf(root, path);
  } catch (error) {
    if (GimoError.is(error, 'path_refused')) return null;
    throw error;
  }
}
