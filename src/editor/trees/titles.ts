import type { Client } from '../../client/client.ts';
import type { RunListItem } from '../../contract/rows/runs.ts';
import { unlessGone } from '../messages.ts';

/** How many titles are kept. */
const most = 5000;
/** How much of a prompt is kept, in characters: as much as a summary shows. */
const shownPrompt = 200;

/** What an artifact says of its runs. */
export interface Title {
  /** The start of the prompt. */
  prompt: string;
  /** Whether it has edit steps. */
  edits: boolean;
}
export type Titles = ReadonlyMap<string, Title>;

/**
 * What runs carry out, in words, by the id of their artifact. An artifact never changes, so each is read once; one that
 * is gone has no title.
 */
export function createTitles(): (client: Client, runs: readonly RunListItem[]) => Promise<Titles> {
  const kept = new Map<string, Title>();
  return async (client, runs) => {
    if (kept.size > most) kept.clear();
    const missing = new Set(runs.map((run) => run.approved_id).filter((id) => !kept.has(id)));
    await Promise.all(
      [...missing].map(async (id) => {
        const title = await titleOf(client, id);
        if (title !== null) kept.set(id, title);
      }),
    );
    return kept;
  };
}

async function titleOf(client: Client, approved_id: string): Promise<Title | null> {
  const approved = await unlessGone(client.call('getApproved', { approved_id }));
  if (approved === null) return null;
  const { prompt, steps } = approved;
  const edits = steps?.some(({ kind }) => kind === 'edit') ?? false;
  if (prompt.length <= shownPrompt) return { prompt, edits };
  return { prompt: `${prompt.slice(0, shownPrompt).toWellFormed()}…`, edits };
}
