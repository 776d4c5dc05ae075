import type { Plan } from '../../contract/records.ts';

type Task = Plan['tasks'][number];

export interface TasksInOrder {
  /** Each task after those that it depends on, otherwise as the plan has them. */
  tasks: readonly Task[];
  /** Whether some tasks depend on each other in a circle: a plan that was written by hand may say so. */
  circular: boolean;
}

/**
 * Puts the tasks of a plan in an order in which they can be done. Walks without recursion, since a chain may be as long
 * as the plan, and goes by a task once, so that a circle is left where it was entered.
 */
export function inOrder(tasks: readonly Task[]): TasksInOrder {
  const byId = new Map(tasks.toReversed().map((task) => [task.id, task]));
  const entered = new Set<Task>();
  const ordered = new Set<Task>();
  let circular = false;
  for (const root of tasks) {
    const way = entered.has(root) ? [] : [{ task: root, next: 0 }];
    entered.add(root);
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const id = at.task.depends[at.next++];
      if (id === undefined) {
        ordered.add(at.task);
        way.pop();
        continue;
      }
      const needed = byId.get(id);
      if (needed === undefined) continue;
      if (!entered.has(needed)) {
        entered.add(needed);
        way.push({ task: needed, next: 0 });
      } else if (!ordered.has(needed)) circular = true;
    }
  }
  return { tasks: [...ordered], circular };
}
