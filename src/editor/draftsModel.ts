import type { Client } from '../client/client.ts';
import type { Args, DraftListItem } from '../contract/operations.ts';

export const draftGroups = ['waiting', 'settled'] as const;
/** What waits for a person, and what is done. */
export type DraftGroupName = (typeof draftGroups)[number];

export interface DraftGroup {
  /** Newest first. */
  drafts: readonly DraftListItem[];
  /** How many there are in all, shown or not. */
  total: number;
  /** Whether there are more than those shown. */
  more: boolean;
}
export type Drafts = Record<DraftGroupName, DraftGroup>;

const statuses = {
  waiting: ['draft'],
  settled: ['approved', 'rejected', 'error'],
} as const satisfies Record<DraftGroupName, readonly DraftListItem['status'][]>;

const pageSize = 100;

/** Reads the first pages of a group of drafts. Rejects as the client does. */
async function readGroup(client: Client, name: DraftGroupName, pages: number): Promise<DraftGroup> {
  const drafts: DraftListItem[] = [];
  let cursor: string | undefined;
  for (let read = 0; read < pages; read++) {
    const args: Args['listDrafts'] = {
      view: 'summary',
      limit: pageSize,
      status: [...statuses[name]],
      ...(cursor === undefined ? {} : { cursor }),
    };
    const { body, page } = await client.answer('listDrafts', args);
    drafts.push(...body);
    if (page == null || page.next === null)
      return { drafts, total: page?.total ?? drafts.length, more: false };
    cursor = page.next;
    if (read === pages - 1) return { drafts, total: page.total, more: true };
  }
  return { drafts, total: drafts.length, more: false };
}

/** The drafts as the tree shows them: a projection of the server's, as many pages as a person asked for. */
export interface DraftsModel {
  /** Null until they were read once. */
  readonly drafts: Drafts | null;
  /** Reads from this server from now on; null when there is none. Forgets what was read. */
  connect(client: Client | null): void;
  /** Reads all groups again. Rejects as the client does. */
  refresh(): Promise<void>;
  /** Shows one page more of a group. */
  showMore(name: DraftGroupName): Promise<void>;
}

/** @param changed called after `drafts` changed */
export function createDraftsModel(changed: () => void): DraftsModel {
  let client: Client | null = null;
  let drafts: Drafts | null = null;
  let pages = { waiting: 1, settled: 1 };

  const refresh = async () => {
    const from = client;
    if (from === null) return;
    const [waiting, settled] = await Promise.all([
      readGroup(from, 'waiting', pages.waiting),
      readGroup(from, 'settled', pages.settled),
    ]);
    if (from !== client) return;
    drafts = { waiting, settled };
    changed();
  };

  return {
    get drafts() {
      return drafts;
    },
    connect(next) {
      client = next;
      drafts = null;
      pages = { waiting: 1, settled: 1 };
      changed();
    },
    refresh,
    showMore(name) {
      pages = { ...pages, [name]: pages[name] + 1 };
      return refresh();
    },
  };
}
