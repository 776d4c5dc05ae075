import { newestThatFit } from './bounded.ts';
import { bytesOf } from './lastSeen.ts';
import type { Revision, Texts } from './revision.ts';

/** A whole revision, or the texts of one that is only remembered. */
type Shownable = Texts & Partial<Pick<Revision, 'writes'>>;

/** Revisions that were shown in this window, so that an old tab still shows its own text. */
export interface Shown {
  add(id: string, revision: Shownable): void;
  find(id: string, revision: string): Shownable | null;
}

const bounds = { count: 200, bytes: 16 * 1024 * 1024 };

export function createShown(): Shown {
  let entries: { id: string; revision: Shownable }[] = [];
  const isThis = (entry: { id: string; revision: Shownable }, id: string, revision: string) =>
    entry.id === id && entry.revision.revision === revision;
  return {
    add(id, revision) {
      const others = entries.filter((entry) => !isThis(entry, id, revision.revision));
      const all = [...others, { id, revision }];
      entries = newestThatFit(all, (entry) => sizeOf(entry.revision), bounds);
    },
    find: (id, revision) => entries.find((entry) => isThis(entry, id, revision))?.revision ?? null,
  };
}

function sizeOf(revision: Shownable): number {
  const texts = revision.writes?.map(({ text }) => text ?? '') ?? [];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), bytesOf(revision));
}
