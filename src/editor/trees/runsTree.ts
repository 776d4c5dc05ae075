import type { Client } from '../../client/client.ts';
import type { RunListItem } from '../../contract/operations.ts';
import { viewIds } from '../ids.ts';
import type { ListSpec } from './listView.ts';
import { runRow, stepRow, type TitledRun } from './runRow.ts';
import { createTitles } from './titles.ts';

export type RunGroup = 'live' | 'over';

const statuses = {
  live: ['running', 'paused', 'pending'],
  over: ['done', 'error', 'cancelled'],
} as const satisfies Record<RunGroup, readonly RunListItem['status'][]>;

/** Runs, each with what it carries out in words, which stands in its artifact. */
export function createRunsTree(): ListSpec<RunGroup, TitledRun> {
  const titlesOf = createTitles();
  return {
    viewId: viewIds.runs,
    kind: 'run',
    groups: [
      { name: 'live', title: 'Live' },
      { name: 'over', title: 'Over' },
    ],
    async read(client, { group, page }) {
      const status = [...statuses[group]];
      const answer = await client.answer('listRuns', { view: 'summary', ...page, status });
      const titles = await titlesOf(client, answer.body);
      return {
        ...answer,
        body: answer.body.map((run) => ({ run, title: titles.get(run.approved_id) ?? null })),
      };
    },
    concerns: ['run'],
    idOf: ({ run }) => run.id,
    rowOf: runRow,
    opens: () => true,
    parts: (client, { run }) => stepsOf(client, run.id),
  };
}

async function stepsOf(client: Client, run_id: string) {
  const { steps } = await client.call('getRun', { run_id });
  return steps.map((step, index) => stepRow(step, index + 1));
}
