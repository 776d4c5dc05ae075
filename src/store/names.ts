/** Names in ascending order (by code unit). Adding at the end, where new records go, costs almost nothing. */
export interface SortedNames {
  readonly size: number;
  add(name: string): void;
  delete(name: string): void;
  /** At most `limit` names below `before` (below none: the last ones), the greatest first. */
  older(before: string | undefined, limit: number): string[];
  /** All, ascending. A copy. */
  all(): string[];
}

/** @param from names in any order, each once */
function createSortedNames(from: Iterable<string> = []): SortedNames {
  const names = [...from].sort();
  return {
    get size() {
      return names.length;
    },
    add(name) {
      const last = names.at(-1);
      const at = last === undefined || last < name ? names.length : positionOf(names, name);
      if (names[at] !== name) names.splice(at, 0, name);
    },
    delete(name) {
      const at = positionOf(names, name);
      if (names[at] === name) names.splice(at, 1);
    },
    older(before, limit) {
      const end = before === undefined ? names.length : positionOf(names, before);
      return names.slice(Math.max(0, end - limit), end).reverse();
    },
    all: () => [...names],
  };
}

/** The position of the first name that is not below `name`. */
function positionOf(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Sorts many names without holding up the event loop: in pieces, which are then merged.
 * @param slice called now and then, resolves when the work may go on
 */
export async function sortNames(
  names: readonly string[],
  slice: () => Promise<void>,
): Promise<string[]> {
  let runs: string[][] = [];
  for (let at = 0; at < names.length; at += 4096) {
    runs.push(names.slice(at, at + 4096).sort());
    await slice();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let n = 0; n < runs.length; n += 2)
      merged.push(await merge(runs[n] ?? [], runs[n + 1] ?? [], slice));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge(a: string[], b: string[], slice: () => Promise<void>): Promise<string[]> {
  const merged: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [left = '', right = ''] = [a[i], b[j]];
    if (left <= right) {
      merged.push(left);
      i += 1;
    } else {
      merged.push(right);
      j += 1;
    }
    if (merged.length % 4096 === 0) await slice();
  }
  return merged.concat(a.slice(i), b.slice(j));
}

/** Which names carry which tag. */
export interface TagIndex {
  /** Notes the tag of a name; null if it has none. */
  set(name: string, tag: string | null): void;
  delete(name: string): void;
  /** The greatest name with this tag. */
  newest(tag: string): string | undefined;
}

export function createTagIndex(): TagIndex {
  const tags = new Map<string, string>();
  const byTag = new Map<string, SortedNames>();
  const leave = (name: string) => {
    const tag = tags.get(name);
    if (tag === undefined) return;
    tags.delete(name);
    const same = byTag.get(tag);
    same?.delete(name);
    if (same?.size === 0) byTag.delete(tag);
  };
  return {
    set(name, tag) {
      if (tags.get(name) === tag) return;
      leave(name);
      if (tag === null) return;
      tags.set(name, tag);
      const same = byTag.get(tag) ?? createSortedNames();
      byTag.set(tag, same);
      same.add(name);
    },
    delete: leave,
    newest: (tag) => byTag.get(tag)?.older(undefined, 1)[0],
  };
}

/** The names of a folder's records, and in which state each is as far as that is known. */
export interface NameIndex {
  readonly size: number;
  has(id: string): boolean;
  /** Puts a name in, or notes its state. */
  set(id: string, status?: string): void;
  delete(id: string): void;
  /** At most `limit` ids below `before`, newest first; with `status`, only those in one of these states. */
  older(before: string | undefined, limit: number, status?: readonly string[]): string[];
  total(status?: readonly string[]): number;
  counts(): Record<string, number>;
  /** The state of a name; undefined if it is not known yet. */
  statusOf(id: string): string | undefined;
  /** Those whose state is not known yet. */
  unknown(): string[];
  /** Whether there is none of these. */
  readonly complete: boolean;
  all(): string[];
}

export function createNameIndex(): NameIndex {
  const names = createSortedNames();
  /** The same, for asking: looking for a name among 100,000 sorted ones takes 17 comparisons. */
  const present = new Set<string>();
  const statuses = new Map<string, string>();
  const byStatus = new Map<string, SortedNames>();
  const leave = (id: string) => {
    const status = statuses.get(id);
    if (status === undefined) return;
    statuses.delete(id);
    byStatus.get(status)?.delete(id);
  };
  const wanted = (status: readonly string[]) =>
    [...new Set(status)].flatMap((one) => byStatus.get(one) ?? []);
  return {
    get size() {
      return names.size;
    },
    has: (id) => present.has(id),
    set(id, status) {
      if (!present.has(id)) names.add(id);
      present.add(id);
      if (status === undefined || statuses.get(id) === status) return;
      leave(id);
      statuses.set(id, status);
      const same = byStatus.get(status) ?? createSortedNames();
      byStatus.set(status, same);
      same.add(id);
    },
    delete(id) {
      leave(id);
      if (present.delete(id)) names.delete(id);
    },
    older(before, limit, status) {
      if (status === undefined) return names.older(before, limit);
      const found = wanted(status).flatMap((one) => one.older(before, limit));
      return found.sort((a, b) => (a < b ? 1 : -1)).slice(0, limit);
    },
    total(status) {
      if (status === undefined) return names.size;
      return wanted(status).reduce((sum, one) => sum + one.size, 0);
    },
    counts: () =>
      Object.fromEntries(
        [...byStatus].filter(([, one]) => one.size > 0).map(([status, one]) => [status, one.size]),
      ),
    statusOf: (id) => statuses.get(id),
    get complete() {
      return statuses.size === names.size;
    },
    unknown: () =>
      statuses.size === names.size ? [] : names.all().filter((id) => !statuses.has(id)),
    all: () => names.all(),
  };
}
