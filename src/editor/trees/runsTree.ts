import type { ViewBadge } from 'vscode';
import type { Client } from '../../client/client.ts';
import type { RunListItem } from '../../contract/rows/runs.ts';
import { viewIds } from '../ids.ts';
import type { Lists } from './listModel.ts';
import type { ListSpec } from './listView.ts';
import { runRow, stepRow, type TitledRun, waitingGate } from './runRow.ts';
import { createTitledRuns } from './titledRuns.ts';

/** What waits for a person, what goes on by itself, and what is over. */
export type RunGroup = 'waiting' | 'live' | 'over';

const statuses = {
  waiting: ['paused'],
  live: ['running', 'pending'],
  over: ['done', 'error', 'cancelled'],
} as const satisfies Record<RunGroup, readonly RunListItem['status'][]>;

/** How many runs wait at a gate; one that a person has paused waits for nobody else. */
export const gatesOf = (lists: Lists<RunGroup, TitledRun> | null): number =>
  lists?.get('waiting')?.records.filter(({ run }) => waitingGate(run) !== undefined).length ?? 0;

/** Runs, each with what it carries out in words, which stands in its artifact. */
export function createRunsTree(): ListSpec<RunGroup, TitledRun> {
  const titled = createTitledRuns();
  return {
    viewId: viewIds.runs,
    kind: 'run',
    groups: [
      { name: 'waiting', title: 'Waiting' },
      { name: 'live', title: 'Live' },
      { name: 'over', title: 'Over' },
    ],
    async read(client, { group, page }) {
      const status = [...statuses[group]];
      // Only the whole record tells at which gate a run waits; few runs do.
      const view = group === 'waiting' ? 'full' : 'summary';
      const answer = await client.answer('listRuns', { view, ...page, status });
      const runs = answer.body.map(({ log: _log, ...run }) => run);
      return { ...answer, body: await titled(client, runs) };
    },
    concerns: ['run'],
    idOf: ({ run }) => run.id,
    rowOf: runRow,
    opens: () => true,
    parts: (client, { run }) => stepsOf(client, run.id),
    badge: (lists) => badgeOf(gatesOf(lists)),
  };
}

function badgeOf(gates: number): ViewBadge | undefined {
  if (gates === 0) return undefined;
  const tooltip = gates === 1 ? '1 gate waits for you' : `${gates} gates wait for you`;
  return { value: gates, tooltip };
}

async function stepsOf(client: Client, run_id: string) {
  const { steps } = await client.call('getRun', { run_id });
  return steps.map((step, index) => stepRow(step, index + 1));
}
