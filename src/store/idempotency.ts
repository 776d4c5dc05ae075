import { z } from 'zod';
import type { IdempotencyEntries, IdempotencyEntry } from '../core/ledger-ports.ts';
import { appendLines, linesOf } from './append.ts';
import { writeAtomic } from './atomic.ts';
import { type Fence, parseJson, readText } from './files.ts';
import { laterOr } from './noted.ts';
import type { Quarantine } from './quarantine.ts';
import { createLoaded, createQueue } from './queue.ts';
import { stampAt } from './record-file.ts';

/*
 * One file that grows: a line when an attempt begins (synced before its effect), a line when it has happened or is
 * dropped (not synced: after a power cut the records tell which it was). It is written anew when most of it is past.
 */

/** How many entries one actor may have; with more, its oldest go. So nobody can push out what belongs to another. */
export const mostEntries = 10_000;
/** Lines of the past that are put up with before the file is written anew. */
const mostStale = 1_000;

const Begun: z.ZodType<IdempotencyEntry> = z.object({
  slot: z.string(),
  actor: z.string(),
  request: z.string(),
  records: z.array(z.string()),
  at: z.number(),
  done: z.boolean(),
});
const Note = z.object({ slot: z.string(), now: z.enum(['done', 'dropped']) });
type Note = z.infer<typeof Note>;

/** The idempotency entries of a ledger, kept in memory: nobody else writes them while the claim holds. */
export function createIdempotencyEntries(
  path: string,
  fence: Fence,
  quarantine: Quarantine,
): IdempotencyEntries & { forget(): void } {
  const queue = createQueue();
  let lines = 0;

  const rewrite = async (entries: ReadonlyMap<string, IdempotencyEntry>) => {
    await writeAtomic(path, linesOf([...entries.values()]), { fence });
    lines = entries.size;
  };
  const load = async () => {
    const entries = new Map<string, IdempotencyEntry>();
    const found = stampAt(path) !== null;
    const text = await readText(path);
    if (found && text === null)
      await quarantine.take(path, 'It is not a list of idempotency entries.');
    for (const line of (text ?? '').split('\n')) apply(entries, parseJson(line));
    // A torn last line must not become part of the next one.
    if ((text ?? '') !== linesOf([...entries.values()])) await rewrite(entries);
    lines = entries.size;
    return entries;
  };
  const loaded = createLoaded(load);
  const entries = loaded.get;
  /* Known at once, and also where the disk refuses it: what is on disk is settled at the next start. */
  const note = async (notes: readonly Note[]) => {
    const known = await entries();
    for (const one of notes) apply(known, one);
    if (notes.length > 0) await write(notes, false);
  };
  const write = (news: readonly (IdempotencyEntry | Note)[], sync: boolean) =>
    queue(async () => {
      const known = await entries();
      fence();
      await appendLines(path, linesOf(news), 'the idempotency entries', sync);
      lines += news.length;
      for (const line of news) apply(known, line);
      if (lines > 2 * known.size + mostStale) await rewrite(known).catch(laterOr);
    });
  return {
    get: async (slot) => (await entries()).get(slot) ?? null,
    async begin(entry) {
      const known = await entries();
      const mine = [...known.values()].filter(({ actor }) => actor === entry.actor);
      const oldest = mine.slice(0, Math.max(0, mine.length + 1 - mostEntries));
      const dropped = oldest.map(({ slot }) => ({ slot, now: 'dropped' as const }));
      await write([...dropped, entry], true);
    },
    finish: (slot) => note([{ slot, now: 'done' }]),
    drop: (slots) => note(slots.map((slot) => ({ slot, now: 'dropped' }))),
    all: async () => [...(await entries()).values()],
    forget() {
      loaded.forget();
    },
  };
}

function apply(entries: Map<string, IdempotencyEntry>, line: unknown): void {
  const begun = Begun.safeParse(line).data;
  if (begun !== undefined) {
    entries.delete(begun.slot); // a Map keeps the order of insertion: begun again, it is the newest
    entries.set(begun.slot, begun);
    return;
  }
  const note = Note.safeParse(line).data;
  if (note?.now === 'dropped') entries.delete(note.slot);
  const entry = note?.now === 'done' ? entries.get(note.slot) : undefined;
  if (entry !== undefined) entries.set(entry.slot, { ...entry, done: true });
}
