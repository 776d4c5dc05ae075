import type { Client } from '../../client/client.ts';
import type { DraftListItem } from '../../contract/operations.ts';
import type { Plan } from '../../contract/records.ts';
import type { RunListItem } from '../../contract/rows/runs.ts';
import { unlessGone } from '../messages.ts';
import { inOrder } from './planOrder.ts';

/** A task of the plan, and where it stands. */
export interface PlannedTask {
  task: Plan['tasks'][number];
  /** What it depends on and what is not done. */
  waitsFor: readonly string[];
  /** Its newest draft, if that is among the newest of all. */
  draft: DraftListItem | null;
  /** The newest run of what was approved of that draft, likewise. */
  run: RunListItem | null;
}

export interface Planned {
  plan: Plan;
  /** In an order in which they can be done. */
  tasks: readonly PlannedTask[];
  circular: boolean;
}

/** How many drafts and runs are looked through, newest first, for those of the plan. */
const most = 1000;

/** Reads the plan, and what became of its tasks. Resolves to null if there is none; rejects as the client does. */
export async function readPlanned(client: Client): Promise<Planned | null> {
  const plan = await planOf(client);
  if (plan === null) return null;
  const [drafts, runs] =
    plan.tasks.length === 0
      ? [[], []]
      : await Promise.all([
          client.call('listDrafts', { view: 'summary', limit: most }),
          client.call('listRuns', { view: 'summary', limit: most }),
        ]);
  return plannedOf(plan, drafts, runs);
}

/** The plan, or null if there is none. Rejects as the client does. */
export const planOf = (client: Client): Promise<Plan | null> =>
  unlessGone(client.call('getPlan', {}));

/**
 * @param drafts newest first
 * @param runs newest first
 */
export function plannedOf(
  plan: Plan,
  drafts: readonly DraftListItem[],
  runs: readonly RunListItem[],
): Planned {
  // Backwards, so that the newest stays.
  const draftOf = new Map(drafts.toReversed().map((draft) => [draft.plan_task_id, draft]));
  const runOf = new Map(runs.toReversed().map((run) => [run.approved_id, run]));
  const done = new Set(plan.tasks.flatMap(({ id, status }) => (status === 'done' ? [id] : [])));
  const { tasks, circular } = inOrder(plan.tasks);
  return {
    plan,
    circular,
    tasks: tasks.map((task) => {
      const draft = draftOf.get(task.id) ?? null;
      return {
        task,
        waitsFor: [...new Set(task.depends)].filter((id) => !done.has(id)),
        draft,
        run: runOf.get(draft?.approved_id ?? '') ?? null,
      };
    }),
  };
}
