import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { createCover, normalPath } from '../core/cover.ts';
import type { RepoReader, RepoScope } from '../core/repo-ports.ts';
import { isDenied } from './denied.ts';
import { diffOf } from './diff.ts';
import type { Job } from './jobs.ts';
import { createLane, type Lane, type Reply } from './lane.ts';

/** How long a search or a listing goes on before it answers what it has, in milliseconds. */
const searchMs = 5_000;
/** How long one step may take that cannot be stopped halfway, in milliseconds. */
const stepMs = 10_000;
/** Bytes of a diff that are taken beyond those that are shown: what is replaced in it may make it shorter. */
const spareBytes = 65_536;

const Kind = z.enum(['file', 'dir']).nullable();
const Tree = z.object({ files: z.array(z.string()), truncated: z.boolean() });
const Text = z.object({ identity: z.string(), text: z.string().nullable() });
const Found = z.object({
  results: z.array(z.object({ file: z.string(), line: z.int(), content: z.string() })),
  truncated: z.boolean(),
});

/**
 * Makes the reader of repositories for clients. Searches have a thread of their own, so that nothing waits for one.
 * Closing it ends the threads.
 */
export function createRepoReader(): RepoReader & { close(): Promise<void> } {
  const reading = createLane();
  const searching = createLane();
  const until = () => Date.now() + searchMs;
  return {
    judge(covered) {
      const { covers } = createCover(covered);
      return (path) => !isDenied(path) && covers(normalPath(path));
    },
    kindOf: (root, path) => ask(reading, { kind: 'kind', root, path }, Kind),
    tree: (scope, path, depth, most) =>
      ask(reading, { kind: 'tree', ...scope, path, depth, most, until: until() }, Tree),
    text: (scope, path, known) => ask(reading, { kind: 'text', ...scope, path, known }, Text),
    async search(scope, { text, ext, most }) {
      const job: Job = { kind: 'search', ...scope, text, ext, most, until: until() };
      return ask(searching, job, Found);
    },
    async diff(scope, wanted) {
      const visible = (paths: readonly string[]) => visibleIn(reading, scope, paths);
      const more = { ...wanted, most: wanted.most + spareBytes };
      const { text, whole } = await diffOf(scope.root, more, visible);
      const job: Job = { kind: 'redact', text, secrets: scope.secrets };
      return { text: await ask(reading, job, z.string()), truncated: !whole };
    },
    async close() {
      await Promise.all([reading.close(), searching.close()]);
    },
  };
}

const visibleIn = (lane: Lane, { covered }: RepoScope, paths: readonly string[]) =>
  ask(lane, { kind: 'visible', covered, paths }, z.array(z.string()));

async function ask<T>(lane: Lane, job: Job, schema: z.ZodType<T>): Promise<T> {
  const reply = await lane.ask(job, stepMs);
  if ('refused' in reply) throw refusal(reply.refused);
  return schema.parse(reply.ok);
}

function refusal(why: Extract<Reply, { refused: unknown }>['refused']): GimoError {
  switch (why) {
    case 'missing':
      return new GimoError('not_found', 'There is no such file or folder in the repository.');
    case 'refused':
      return new GimoError(
        'path_refused',
        'This path may not be read. Ask a person to allow it, or read another one.',
      );
    case 'not_text':
      return new GimoError('path_refused', 'This file is not UTF-8 text, so it is not shown.');
    case 'not_file':
      return new GimoError('validation_error', 'This path is not a file.', { status: 400 });
    case 'not_dir':
      return new GimoError('validation_error', 'This path is not a folder.', { status: 400 });
    case 'too_large':
      return new GimoError('payload_too_large', 'The file is larger than 5 MiB. Read another one.');
    case 'too_slow':
      return new GimoError(
        'payload_too_large',
        'This takes too long, so it was given up. Ask for less at once.',
      );
  }
}
