import { validationError } from '../contract/errors.ts';
import { normalPath } from './cover.ts';
import { cutBytes, linesOf, mostBytes } from './excerpt.ts';
import type { Handlers } from './handlers.ts';
import { sha256 } from './hash.ts';
import type { Redactor } from './redaction.ts';
import type { RepoReader, RepoScope, Snapshots } from './repo-ports.ts';

/* What clients read of the repository, as operations. What they may read is decided in repository.ts. */

export interface ReadingPorts {
  reader: RepoReader;
  snapshots: Snapshots;
  redactor: Pick<Redactor, 'redact'>;
}

/** Files that a listing holds. */
export const mostFiles = 2_000;
/** Lines of a search. */
const mostResults = 50;
/** Characters of a path that an audit entry keeps. */
const longestTarget = 300;

/**
 * Tree, file, search and diff.
 * @param scope what may be looked at now
 */
export function readHandlers(
  ports: ReadingPorts,
  scope: () => Promise<RepoScope>,
): Pick<Handlers, 'readTree' | 'readFile' | 'search' | 'readDiff'> {
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

const endBeforeStart = () =>
  validationError(['query', 'end_line'], 'end_line must not be smaller than start_line.');

/** The text of a file, from its snapshot; the first look at a version makes one. */
async function fileText(
  { reader, snapshots }: ReadingPorts,
  scope: RepoScope,
  path: string,
): Promise<string> {
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
