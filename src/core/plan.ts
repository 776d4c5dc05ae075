import { GimoError, validationError } from '../contract/errors.ts';
import { type DraftRecord, Plan, type RunRecord } from '../contract/records.ts';
import { inWords } from './change-sources.ts';
import type { Decisions } from './decisions.ts';
import type { Handlers } from './handlers.ts';
import type { Store } from './ports.ts';
import { isTerminal } from './run-steps.ts';
import { isStrange } from './run-view.ts';

/**
 * @param refuseSecrets throws `contains_secret` if a text holds a secret that this process knows
 * @param glance tells how a run really stands, whatever its file says
 */
export function planHandlers(
  store: Pick<Store, 'plan' | 'drafts' | 'runs'>,
  refuseSecrets: (proposal: unknown) => void,
  decisions: Pick<Decisions, 'standing'>,
  glance: (run: RunRecord) => Promise<RunRecord>,
): Pick<Handlers, 'getPlan' | 'setPlan'> {
  return {
    getPlan: {
      async read() {
        const plan = await planIn(store.plan);
        const stands = await standOf(plan, store, decisions);
        const tasks = plan.tasks.map(async (task) => {
          const stand = stands.get(task.id);
          if (stand === undefined) return task;
          const run = stand.run && (await glance(stand.run));
          // A file that somebody wrote is no run: it tells nothing about the task.
          const known = run === null || isStrange(run) ? null : run;
          return { ...task, status: statusOf({ ...stand, run: known }) };
        });
        return { body: { ...plan, tasks: await Promise.all(tasks) } };
      },
    },
    setPlan: {
      lock: () => 'plan',
      async prepare(plan) {
        const wrong = planProblem(plan);
        if (wrong !== null) throw validationError(['body', 'tasks'], wrong);
        refuseSecrets(plan);
        const effect = async () => {
          await store.plan.write(plan);
          return {
            body: { status: 'ok' as const },
            changes: [{ type: 'plan', id: null } as const],
          };
        };
        return { target: plan.id, effect };
      },
    },
  };
}

/**
 * The plan as its file says. A file that is no plan is told apart from none, or somebody who mistyped in it would be
 * told to make a new one.
 *
 * @throws GimoError `not_found` if there is none, `storage_error` if the file cannot be read as one
 */
async function planIn(document: Store['plan']): Promise<Plan> {
  const look = await document.look();
  if (look.state === 'missing')
    throw new GimoError('not_found', 'There is no plan. Set one with PUT /ops/plan.');
  if (look.state === 'unreadable') throw unreadable(look.why);
  const found = Plan.safeParse(look.value);
  if (!found.success) throw unreadable(inWords(found.error));
  return found.data;
}

const unreadable = (why: string) =>
  new GimoError(
    'storage_error',
    `plan.json is not a plan. ${why} Mend the file, or set a plan anew.`,
  );

/** The newest draft of a task, and the newest run of what was approved of it. */
export interface Stand {
  draft: DraftRecord;
  run: RunRecord | null;
}

/** Where the tasks of a plan stand; those without a draft are left out. */
export async function standOf(
  plan: Pick<Plan, 'tasks'>,
  store: Pick<Store, 'drafts' | 'runs'>,
  decisions: Pick<Decisions, 'standing'>,
): Promise<Map<string, Stand>> {
  const found = await store.drafts.newest(plan.tasks.map(({ id }) => id));
  const drafts = new Map([...found].map(([task, draft]) => [task, decisions.standing(draft)]));
  const approved = [...drafts.values()].flatMap(({ approved_id }) => approved_id ?? []);
  const runs = await store.runs.newest(approved);
  return new Map(
    [...drafts].map(([task, draft]) => [
      task,
      { draft, run: runs.get(draft.approved_id ?? '') ?? null },
    ]),
  );
}

function statusOf({ draft, run }: Stand): Plan['tasks'][number]['status'] {
  if (draft.status === 'draft') return 'pending';
  if (draft.status !== 'approved') return 'blocked';
  if (run === null) return 'in_progress';
  if (run.status === 'done') return 'done';
  return isTerminal(run.status) ? 'blocked' : 'in_progress';
}

/** What is wrong with a plan's tasks: ids that are not unique, dependencies that lead nowhere or in a circle. */
export function planProblem(plan: Pick<Plan, 'tasks'>): string | null {
  const tasks = new Map(plan.tasks.map((task) => [task.id, task]));
  if (tasks.size !== plan.tasks.length) return 'Two tasks have the same id. Give each its own.';
  for (const task of plan.tasks)
    if (task.depends.some((id) => !tasks.has(id)))
      return 'A task depends on a task that is not in the plan. Add that one, or drop the dependency.';
  // Kahn's algorithm: what can never be started is in a circle, or waits for one.
  const open = new Map(plan.tasks.map((task) => [task.id, new Set(task.depends)]));
  const dependents = new Map<string, string[]>();
  for (const task of plan.tasks)
    for (const id of task.depends) {
      const known = dependents.get(id);
      if (known === undefined) dependents.set(id, [task.id]);
      else known.push(task.id);
    }
  const ready = [...open].filter(([, waits]) => waits.size === 0).map(([id]) => id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    open.delete(id);
    for (const next of dependents.get(id) ?? []) {
      const waits = open.get(next);
      if (waits?.delete(id) === true && waits.size === 0) ready.push(next);
    }
  }
  return open.size === 0 ? null : 'The tasks depend on each other in a circle. Break it somewhere.';
}
