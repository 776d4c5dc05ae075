import { type Bounds, newestThatFit } from './bounded.ts';
import type { Texts } from './revision.ts';

/** What a person has seen of a draft. */
interface Entry {
  id: string;
  seen: Texts;
  /** What was seen before that: so that the same diff can be opened again. */
  before: Texts | null;
}

/** The part of an editor's `Memento` that is needed. */
export interface Memory {
  get<T>(key: string): T | undefined;
  update(key: string, value: unknown): Thenable<void>;
}

/** What was seen of which draft in this workspace, kept across windows and restarts. */
export interface LastSeen {
  /** What to compare this revision with: what was seen before it; null if nothing was. */
  baseOf(id: string, now: Texts): Texts | null;
  /** Notes that this revision has been shown. */
  see(id: string, now: Texts): Promise<void>;
  /** A revision that was seen, if it is still remembered. */
  find(id: string, revision: string): Texts | null;
}

export const lastSeenBounds: Bounds = { count: 200, bytes: 1024 * 1024 };
export const lastSeenKey = 'gimo.lastSeen';

export function createLastSeen(memory: Memory, bounds = lastSeenBounds): LastSeen {
  const read = () => entriesOf(memory.get<unknown>(lastSeenKey));
  const baseOf = (id: string, now: Texts) => {
    const entry = read().find((one) => one.id === id);
    return entry?.seen.revision === now.revision ? entry.before : (entry?.seen ?? null);
  };
  return {
    baseOf,
    async see(id, now) {
      const seen = { revision: now.revision, parts: now.parts };
      const whole = { id, seen, before: baseOf(id, now) };
      // What is new counts for more than what was before it.
      const entry = sizeOf(whole) > bounds.bytes ? { ...whole, before: null } : whole;
      const others = read().filter((one) => one.id !== id);
      await memory.update(lastSeenKey, newestThatFit([...others, entry], sizeOf, bounds));
    },
    find(id, revision) {
      const entry = read().find((one) => one.id === id);
      const found = [entry?.seen, entry?.before].find((one) => one?.revision === revision);
      return found ?? null;
    },
  };
}

/** The size of a revision's texts, in bytes. */
export function bytesOf({ revision, parts }: Texts): number {
  return Object.values(parts).reduce((sum, text) => sum + Buffer.byteLength(text), revision.length);
}

function sizeOf({ id, seen, before }: Entry): number {
  return id.length + bytesOf(seen) + (before === null ? 0 : bytesOf(before));
}

/* An older or a newer version may have written it, so what does not fit is as if it had never been seen. */
function entriesOf(kept: unknown): Entry[] {
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((entry: unknown) => {
    if (!isObject(entry) || typeof entry.id !== 'string') return [];
    const seen = revisionIn(entry.seen);
    return seen === null ? [] : [{ id: entry.id, seen, before: revisionIn(entry.before) }];
  });
}

function revisionIn(kept: unknown): Texts | null {
  if (!isObject(kept) || typeof kept.revision !== 'string' || !isObject(kept.parts)) return null;
  const { prompt, content, steps, context, provider } = kept.parts;
  if (!isText(prompt) || !isText(content) || !isText(steps)) return null;
  if (!isText(context) || !isText(provider)) return null;
  return { revision: kept.revision, parts: { prompt, content, steps, context, provider } };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
