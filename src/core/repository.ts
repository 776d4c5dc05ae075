import { GimoError } from '../contract/errors.ts';
import type { OpId } from '../contract/operations.ts';
import type { AllowedPath } from '../contract/rows/repository.ts';
import { type AllowEntry, readAllowlist } from './allowlist.ts';
import { writeCopy } from './copies.ts';
import { normalPath } from './cover.ts';
import { cutBytes, linesOf, mostBytes } from './excerpt.ts';
import type { Handlers, MutationHandler } from './handlers.ts';
import type {
  Clock,
  Ledger,
  Logger,
  RepoReader,
  RepoScope,
  Repos,
  Snapshots,
  Store,
} from './ports.ts';
import { sha256 } from './principals.ts';
import type { Redactor } from './redaction.ts';

/** Files that a listing holds. */
const mostFiles = 2_000;
/** Levels of folders that are looked through for files that a model is shown. */
const deepest = 100;
/** Lines of a search. */
const mostResults = 50;
/** Characters of a path that an audit entry keeps. */
const longestTarget = 300;

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

type Ids =
  | ReadIds
  | 'listRepos'
  | 'getActiveRepo'
  | 'openRepo'
  | 'selectRepo'
  | 'vitaminizeRepo'
  | 'getAllowlist'
  | 'setAllowlist';
type ReadIds = 'readTree' | 'readFile' | 'search' | 'readDiff';

/** Whether clients may read a path of the workspace, as far as its name says. */
export type Judge = (path: string) => boolean;

export interface Repository {
  readonly handlers: Pick<Handlers, Ids>;
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
      ...repoHandlers(
        ports,
        () => active,
        (repo) => {
          active = repo;
        },
      ),
      ...allowlistHandlers(ports),
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

function readHandlers(
  ports: RepositoryPorts,
  scope: () => Promise<RepoScope>,
): Pick<Handlers, ReadIds> {
  const { reader, redactor } = ports;
  const target = (text: string) => redactor.redact(text).slice(0, longestTarget).toWellFormed();
  return {
    readTree: {
      audited: ({ path }) => target(path),
      read: async ({ path, max_depth }) => ({
        body: await reader.tree(await scope(), path, max_depth, mostFiles),
      }),
    },
    readFile: {
      audited: ({ path }) => target(path),
      async read(input) {
        if (input.end_line < input.start_line) throw endBeforeStart();
        return { body: linesOf(await fileText(ports, await scope(), input.path), input) };
      },
    },
    search: {
      // What somebody looks for may be a secret that this process does not know.
      audited: () => null,
      read: async ({ q, ext }) => ({
        body: await reader.search(await scope(), {
          ...{ text: q, ext: ext === undefined || ext === '' ? null : ext, most: mostResults },
        }),
      }),
    },
    readDiff: {
      audited: ({ base, head }) => target(`${base}..${head}`),
      async read({ base, head, stat }) {
        const { text, truncated } = await reader.diff(await scope(), {
          ...{ base, head, stat, most: mostBytes },
        });
        const part = cutBytes(text, mostBytes);
        const whole = part === text && !truncated;
        return { body: whole ? text : `${part}\n[truncated: the diff goes on]\n` };
      },
    },
  };
}

function endBeforeStart() {
  const msg = 'end_line must not be smaller than start_line.';
  return new GimoError('validation_error', msg, {
    issues: [{ type: 'value_error', loc: ['query', 'end_line'], msg }],
  });
}

/** The text of a file, from its snapshot; the first look at a version makes one. */
async function fileText(ports: RepositoryPorts, scope: RepoScope, path: string): Promise<string> {
  const { reader, snapshots } = ports;
  // With other secrets another text is handed out.
  const key = [scope.root, normalPath(path), sha256(JSON.stringify(scope.secrets))].join('\0');
  const known = snapshots.identityOf(key);
  const found = await reader.text(scope, path, known);
  if (found.text === null) {
    const kept = await snapshots.read(key);
    if (kept !== null) return kept;
  }
  const { identity, text } = found.text === null ? await reader.text(scope, path, null) : found;
  const whole = text ?? '';
  await snapshots.keep(key, identity, whole);
  return whole;
}

function repoHandlers(
  { repos, redactor }: RepositoryPorts,
  active: () => string,
  select: (repo: string) => void,
): Pick<Handlers, 'listRepos' | 'getActiveRepo' | 'openRepo' | 'selectRepo' | 'vitaminizeRepo'> {
  const { shown } = repos;
  /** A mutation on the repository that the input names. */
  const onRepo = <K extends 'openRepo' | 'selectRepo' | 'vitaminizeRepo'>(
    effect: (repo: string) => ReturnType<Effect<K>>,
  ): MutationHandler<K> => ({
    lock: () => 'repos',
    async prepare({ path }) {
      const repo = await repos.find(path);
      return { target: redactor.redact(shown(repo)), effect: () => effect(repo) };
    },
  });
  return {
    listRepos: {
      read: async () => ({
        body: {
          root: shown(repos.bound),
          active_repo: shown(active()),
          repos: (await repos.list()).map(({ name, path }) => ({ name, path: shown(path) })),
        },
      }),
    },
    getActiveRepo: { read: async () => ({ body: { active_repo: shown(active()) } }) },
    openRepo: onRepo<'openRepo'>(async (repo) => ({
      body: { status: 'success', message: 'The repository is ready.', path: shown(repo) },
      changes: [],
    })),
    selectRepo: onRepo<'selectRepo'>(async (repo) => {
      select(repo);
      return { body: { status: 'success', active_repo: shown(repo) }, changes: [] };
    }),
    vitaminizeRepo: onRepo<'vitaminizeRepo'>(async (repo) => ({
      body: {
        ...{ status: 'success', created_files: await repos.prepare(repo) },
        active_repo: shown(active()),
      },
      changes: [],
    })),
  };
}

type Effect<K extends OpId> = Awaited<ReturnType<MutationHandler<K>['prepare']>>['effect'];

function allowlistHandlers(
  ports: RepositoryPorts,
): Pick<Handlers, 'getAllowlist' | 'setAllowlist'> {
  const { ledger, store, reader, repos, clock, logger, allowlistTtl } = ports;
  return {
    getAllowlist: { read: async () => ({ body: { paths: await allowedPaths(ports) } }) },
    setAllowlist: {
      lock: () => 'allowlist',
      async prepare({ paths }) {
        const usual = new Date(clock.now() + allowlistTtl * 1000).toISOString();
        const kept: { path: string; expires_at: string }[] = [];
        for (const { path, expires_at } of paths) {
          if ((await reader.kindOf(repos.root, path)) === null)
            throw new GimoError(
              'not_found',
              'One of the paths leads to nothing in the repository. Leave it out, or correct it.',
            );
          const until = expires_at == null ? usual : new Date(expires_at).toISOString();
          kept.push({ path: normalPath(path), expires_at: until });
        }
        return {
          target: 'allowlist',
          async effect() {
            await ledger.allowlist.write({ paths: kept });
            await writeCopy(store.allowlist, 'allowlist', { paths: kept }, logger);
            const body = { paths: await allowedPaths(ports) };
            return { body, changes: [{ type: 'changes', id: 'allowlist' }] };
          },
        };
      },
    },
  };
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
