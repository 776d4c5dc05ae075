import type { Client } from '../../client/client.ts';
import type { Answer } from '../../contract/operation.ts';

export interface ListGroup<T> {
  /** Newest first. */
  records: readonly T[];
  /** How many there are in all, shown or not. */
  total: number;
  /** False soon after a start, when they are not counted yet: then `total` is the least that there are. */
  counted: boolean;
  /** Whether there are more than those shown. */
  more: boolean;
}
export type Lists<G extends string, T> = ReadonlyMap<G, ListGroup<T>>;

/** One page of a group. */
export interface PageQuery<G extends string> {
  group: G;
  page: { limit: number; cursor?: string };
}
export type ReadPage<G extends string, T> = (
  client: Client,
  query: PageQuery<G>,
) => Promise<Answer<readonly T[]>>;

const pageSize = 100;

/** Records as a tree shows them: a projection of the server's, as many pages of each group as a person asked for. */
export interface ListModel<G extends string, T> {
  /** Null until they were read once. */
  readonly lists: Lists<G, T> | null;
  /** Where they are read from; null when there is no server. */
  readonly client: Client | null;
  /** Reads from this server from now on; null when there is none. Forgets what was read, if anything was. */
  connect(client: Client | null): void;
  /** Reads all groups again. Rejects as the client does. */
  refresh(): Promise<void>;
  /** Shows one page more of a group. */
  showMore(group: G): Promise<void>;
}

/** @param changed called after `lists` changed */
export function createListModel<G extends string, T>(
  groups: readonly G[],
  readPage: ReadPage<G, T>,
  changed: () => void,
): ListModel<G, T> {
  let client: Client | null = null;
  let lists: Lists<G, T> | null = null;
  let pages = new Map<G, number>();
  let asked = 0;
  let shown = 0;
  const pagesOf = (group: G) => pages.get(group) ?? 1;

  const refresh = async () => {
    const from = client;
    if (from === null) return;
    const turn = ++asked;
    const read = await Promise.all(
      groups.map(
        async (group) => [group, await readGroup(from, readPage, group, pagesOf(group))] as const,
      ),
    );
    // An answer that was overtaken, or comes from a server that is gone, tells nothing any more.
    if (from !== client || turn < shown) return;
    shown = turn;
    lists = new Map(read);
    changed();
  };

  return {
    get lists() {
      return lists;
    },
    get client() {
      return client;
    },
    connect(next) {
      const showed = lists !== null;
      client = next;
      lists = null;
      pages = new Map();
      if (showed) changed();
    },
    refresh,
    showMore(group) {
      pages.set(group, pagesOf(group) + 1);
      return refresh();
    },
  };
}

/** Reads the first pages of a group. Rejects as the client does. */
async function readGroup<G extends string, T>(
  client: Client,
  readPage: ReadPage<G, T>,
  group: G,
  pages: number,
): Promise<ListGroup<T>> {
  const records: T[] = [];
  let cursor: string | null = null;
  let total: number | null = null;
  for (let read = 0; read < pages; read++) {
    const page = { limit: pageSize, ...(cursor === null ? {} : { cursor }) };
    const answer: Answer<readonly T[]> = await readPage(client, { group, page });
    records.push(...answer.body);
    total = answer.page?.total ?? null;
    cursor = answer.page?.next ?? null;
    if (cursor === null) break;
  }
  const more = cursor !== null;
  return { records, total: total ?? records.length, counted: total !== null || !more, more };
}
