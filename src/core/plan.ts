import { GimoError } from '../contract/errors.ts';
import { Plan } from '../contract/records.ts';
import type { Handlers } from './handlers.ts';
import type { Store } from './ports.ts';

/** @param refuseSecrets throws `contains_secret` if a text holds a secret that this process knows */
export function planHandlers(
  store: Pick<Store, 'plan'>,
  refuseSecrets: (proposal: unknown) => void,
): Pick<Handlers, 'getPlan' | 'setPlan'> {
  return {
    getPlan: {
      async read() {
        const found = Plan.safeParse(await store.plan.read());
        if (!found.success)
          throw new GimoError('not_found', 'There is no plan. Set one with PUT /ops/plan.');
        return { body: found.data };
      },
    },
    setPlan: {
      lock: () => 'plan',
      async prepare(plan) {
        const wrong = planProblem(plan);
        if (wrong !== null)
          throw new GimoError('validation_error', wrong, {
            issues: [{ type: 'value_error', loc: ['body', 'tasks'], msg: wrong }],
          });
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
