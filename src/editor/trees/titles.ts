import type { Client } from '../../client/client.ts';
import type { RunListItem } from '../../contract/operations.ts';
import { codeOf } from '../messages.ts';

/** How many titles are kept. */
const most = 5000;
/** How much of a prompt is kept, in characters: as much as a summary shows. */
const shownPrompt = 200;

export type Titles = ReadonlyMap<string, string>;

/**
 * What runs carry out, in words: the prompts of their artifacts by artifact id. A prompt of an artifact never changes,
 * so each is read once; one whose artifact is gone has none.
 */
export function createTitles(): (client: Client, runs: readonly RunListItem[]) => Promise<Titles> {
  const kept = new Map<string, string>();
  return async (client, runs) => {
    if (kept.size > most) kept.clear();
    const missing = new Set(runs.map((run) => run.approved_id).filter((id) => !kept.has(id)));
    await Promise.all(
      [...missing].map(async (id) => {
        const prompt = await promptOf(client, id);
        if (prompt !== null) kept.set(id, prompt);
      }),
    );
    return kept;
  };
}

async function promptOf(client: Client, approved_id: string): Promise<string | null> {
  try {
    const { prompt } = await client.call('getApproved', { approved_id });
    return prompt.length <= shownPrompt
      ? prompt
      : `${prompt.slice(0, shownPrompt).toWellFormed()}…`;
  } catch (error) {
    if (codeOf(error) === 'not_found') return null;
    throw error;
  }
}
