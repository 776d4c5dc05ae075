import { newestThatFit } from './bounded.ts';
import { bytesOf } from './lastSeen.ts';
import type { Revision } from './revision.ts';

/** Revisions that were shown in this window, so that an old tab still shows its own text. */
export interface Shown {
  add(id: string, revision: Revision): void;
  find(id: string, revision: string): Revision | null;
}

const bounds = { count: 200, bytes: 16 * 1024 * 1024 };

export function createShown(): Shown {
  let entries: { id: string; revision: Revision }[] = [];
  const isThis = (entry: { id: string; revision: Revision }, id: string, revision: string) =>
    entry.id === id && entry.revision.revision === revision;
  return {
    add(id, revision) {
      const others = entries.filter((entry) => !isThis(entry, id, revision.revision));
      const all = [...others, { id, revision }];
      entries = newestThatFit(all, (entry) => bytesOf(entry.revision), bounds);
    },
    find: (id, revision) => entries.find((entry) => isThis(entry, id, revision))?.revision ?? null,
  };
}
