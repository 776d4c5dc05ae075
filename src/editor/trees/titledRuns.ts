import type { Client } from '../../client/client.ts';
import type { RunListItem } from '../../contract/rows/runs.ts';
import { unlessGone } from '../messages.ts';
import { changedFiles } from '../stepResults.ts';
import { isLive, type TitledRun } from './runRow.ts';
import { createTitles } from './titles.ts';

/** How many answers are kept. */
const most = 5000;

/**
 * Tells of runs what a list leaves out: what they carry out in words, and whether they changed files. Of a run that is
 * over neither changes any more, so each is read once.
 *
 * @returns a function that rejects as the client does
 */
export function createTitledRuns(): (
  client: Client,
  runs: readonly RunListItem[],
) => Promise<TitledRun[]> {
  const titlesOf = createTitles();
  const changed = new Map<string, boolean>();

  const hasChanged = async (client: Client, run: RunListItem): Promise<boolean> => {
    // Told in lists too, and the one thing that does change later.
    if (run.undone_at !== undefined) return false;
    // A run that is done has done all its steps.
    if (run.status === 'done') return true;
    if (isLive(run.status)) return false;
    const known = changed.get(run.id);
    if (known !== undefined) return known;
    const did = await changedByNow(client, run.id);
    if (changed.size > most) changed.clear();
    changed.set(run.id, did);
    return did;
  };
  return async (client, runs) => {
    const titles = await titlesOf(client, runs);
    return Promise.all(
      runs.map(async (run) => {
        const title = titles.get(run.approved_id);
        const undoable = title?.edits === true && (await hasChanged(client, run));
        return { run, title: title?.prompt ?? null, undoable };
      }),
    );
  };
}

async function changedByNow(client: Client, run_id: string): Promise<boolean> {
  // It may have been cleaned up since the list was read.
  const run = await unlessGone(client.call('getRun', { run_id }));
  return run !== null && changedFiles(run);
}
