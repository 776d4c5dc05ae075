import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { createSlicer } from '../core/slicer.ts';
import { appendLines, linesOf } from './append.ts';
import { writeAtomic } from './atomic.ts';
import { type Fence, parseJson, readText } from './files.ts';
import { createLoaded, createQueue } from './queue.ts';
import { stampAt } from './record-file.ts';

/*
 * One file that grows: a line for each thing that was noted, synced before anything follows from it, and a line when
 * it is gone. It is written anew when most of it is past.
 */

/** Lines of the past that are put up with before the file is written anew. */
const mostStale = 1_000;
/** Bytes: a few million lines. */
const mostBytes = 256 * 2 ** 20;

const Gone = z.object({ id: z.string(), status: z.literal('gone') });

/** What was noted stands in the file already: where there is no room to write it anew, the next note tries again. */
export function laterOr(error: unknown): void {
  if (!GimoError.is(error)) throw error;
}

/** Things of one kind, by id; what is noted later of the same one replaces what was noted before. */
export interface Noted<T> {
  /** Durable when it resolves. */
  note(thing: T): Promise<void>;
  /** Not synced. */
  drop(ids: readonly string[]): Promise<void>;
  /** @throws GimoError `storage_error` if they cannot be read */
  all(): Promise<T[]>;
  /** Reads the file anew before the next use: another holder of the claim may have written since. */
  forget(): void;
}

/**
 * Opens such a file. What it holds is kept in memory: nobody else writes it while the claim holds.
 *
 * @param options.what the file, in words
 * @param options.unreadable what to throw if it cannot be read: it must not count as empty
 */
export function createNoted<T extends { id: string }>(options: {
  path: string;
  fence: Fence;
  schema: z.ZodType<T>;
  what: string;
  unreadable: () => Error;
}): Noted<T> {
  const { path, fence, schema, what, unreadable } = options;
  const queue = createQueue();
  let lines = 0;

  const rewrite = async (things: ReadonlyMap<string, T>) => {
    await writeAtomic(path, linesOf([...things.values()]), { fence });
    lines = things.size;
  };
  const load = async () => {
    const things = new Map<string, T>();
    const text = await readText(path, mostBytes);
    if (text === null && stampAt(path) !== null) throw unreadable();
    const slice = createSlicer();
    const written = (text ?? '').split('\n');
    const torn = written.pop() ?? '';
    for (const line of written) {
      const json = parseJson(line);
      const gone = Gone.safeParse(json).data;
      const thing = schema.safeParse(json).data;
      if (gone !== undefined) things.delete(gone.id);
      else if (thing !== undefined) things.set(thing.id, thing);
      else throw unreadable();
      await slice();
    }
    lines = written.length;
    // Half a line was never followed by anything, and must not become part of the next one.
    if (torn !== '') await rewrite(things);
    return things;
  };
  const loaded = createLoaded(load);
  const write = (news: readonly unknown[], sync: boolean, apply: (known: Map<string, T>) => void) =>
    queue(async () => {
      const known = await loaded.get();
      fence();
      await appendLines(path, linesOf(news), what, sync);
      lines += news.length;
      apply(known);
      if (lines > 2 * known.size + mostStale) await rewrite(known).catch(laterOr);
    });
  return {
    note: (thing) => write([thing], true, (known) => known.set(thing.id, thing)),
    async drop(ids) {
      const known = await loaded.get();
      const gone = ids.filter((id) => known.has(id));
      if (gone.length === 0) return;
      const told = gone.map((id) => ({ id, status: 'gone' }));
      await write(told, false, () => {
        for (const id of gone) known.delete(id);
      });
    },
    all: async () => [...(await loaded.get()).values()],
    forget() {
      loaded.forget();
    },
  };
}
