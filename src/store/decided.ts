import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { Decided, Decision } from '../core/ports.ts';
import { appendLines, linesOf } from './append.ts';
import { type Fence, parseJson, readText, writeAtomic } from './files.ts';
import { createLoaded, createQueue, createSlicer } from './queue.ts';
import { stampAt } from './record-file.ts';

/*
 * One file that grows: a line for each decision, synced before anything follows from it, and a line when its draft is
 * gone. It is written anew when most of it is past.
 */

/** Lines of the past that are put up with before the file is written anew. */
const mostStale = 1_000;
/** Bytes: a few million decisions. */
const mostBytes = 256 * 2 ** 20;

const Line = z.object({
  id: z.string(),
  status: z.enum(['approved', 'rejected', 'error', 'gone']),
  approved_id: z.string().nullable(),
});
type Line = z.infer<typeof Line>;

/** The decisions of a ledger, kept in memory: nobody else writes them while the claim holds. */
export function createDecided(path: string, fence: Fence): Decided & { forget(): void } {
  const queue = createQueue();
  let lines = 0;

  const rewrite = async (decisions: ReadonlyMap<string, Decision>) => {
    await writeAtomic(path, linesOf([...decisions.values()]), { fence });
    lines = decisions.size;
  };
  const load = async () => {
    const decisions = new Map<string, Decision>();
    const text = await readText(path, mostBytes);
    // Without it what was rejected could be approved, so it must not count as empty.
    if (text === null && stampAt(path) !== null) throw unreadable();
    const slice = createSlicer();
    const written = (text ?? '').split('\n');
    const torn = written.pop() ?? '';
    for (const line of written) {
      const found = Line.safeParse(parseJson(line));
      if (!found.success) throw unreadable();
      apply(decisions, found.data);
      await slice();
    }
    lines = written.length;
    // Half a line was never followed by anything, and must not become part of the next one.
    if (torn !== '') await rewrite(decisions);
    return decisions;
  };
  const loaded = createLoaded(load);
  const decisions = loaded.get;
  const write = (news: readonly Line[], sync: boolean) =>
    queue(async () => {
      const known = await decisions();
      fence();
      await appendLines(path, linesOf(news), 'the list of decisions', sync);
      lines += news.length;
      for (const line of news) apply(known, line);
      if (lines > 2 * known.size + mostStale) await rewrite(known);
    });
  return {
    note: (decision) => write([decision], true),
    async drop(ids) {
      const known = await decisions();
      const gone = ids.filter((id) => known.has(id));
      if (gone.length === 0) return;
      await write(
        gone.map((id) => ({ id, status: 'gone' as const, approved_id: null })),
        false,
      );
    },
    all: async () => [...(await decisions()).values()],
    forget() {
      loaded.forget();
    },
  };
}

function apply(decisions: Map<string, Decision>, { id, status, approved_id }: Line): void {
  if (status === 'gone') decisions.delete(id);
  else decisions.set(id, { id, status, approved_id });
}

const unreadable = () =>
  new GimoError(
    'storage_error',
    'decided.jsonl in the ledger cannot be read, so GIMO does not know which drafts were decided. Mend that file, or delete it if every draft may be decided again.',
  );
