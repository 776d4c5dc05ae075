import type { Command } from 'commander';
import type { Client } from '../../client/client.ts';
import { GimoError } from '../../contract/errors.ts';
import { Plan } from '../../contract/records.ts';
import type { Run, Session } from '../deps.ts';
import { example } from '../help.ts';
import { readJson } from '../input.ts';
import type { Colour, Output } from '../output.ts';
import { tell } from '../tell.ts';

const colours: Readonly<Record<Plan['tasks'][number]['status'], Colour>> = {
  pending: 'cyan',
  in_progress: 'yellow',
  done: 'green',
  blocked: 'red',
};

/** `gimo plan` and `plan set` */
export function addPlan(program: Command, run: Run): void {
  const plan = program
    .command('plan')
    .description('show the plan and how far its tasks are')
    .addHelpText(
      'after',
      example('plan', 'A task becomes a draft with: gimo draft new "…" --task ID'),
    )
    .action(() => run(show));
  plan
    .command('set')
    .description('set the plan, in place of the one before')
    .argument('<file>', 'a JSON file; - reads it from the standard input')
    .addHelpText('after', example('plan set plan.json'))
    .action((file: string) => run((session) => set(session, file)));
}

async function show(session: Session): Promise<number> {
  const { client } = await session.connect();
  return tell(session, await read(client), (plan) => showPlan(session.out, plan));
}

async function read(client: Client): Promise<Plan> {
  try {
    return await client.call('getPlan', {});
  } catch (error) {
    if (!GimoError.is(error, 'not_found')) throw error;
    const says = 'There is no plan. Set one with: gimo plan set FILE';
    throw new GimoError('not_found', says, { cause: error });
  }
}

async function set(session: Session, file: string): Promise<number> {
  const plan = await readJson(session.deps, file, Plan, 'a plan');
  const { client } = await session.connect();
  const answer = await client.call('setPlan', plan);
  const count = plan.tasks.length;
  return tell(session, answer, () =>
    session.out.line(`The plan is set: ${count} ${count === 1 ? 'task' : 'tasks'}.`),
  );
}

function showPlan(out: Output, plan: Plan): void {
  out.field('plan', plan.title, 'bold');
  out.field('objective', plan.objective);
  for (const constraint of plan.constraints) out.field('constraint', constraint);
  const done = plan.tasks.filter(({ status }) => status === 'done').length;
  out.field('done', `${done} of ${plan.tasks.length}`);
  out.table(
    [
      { title: 'TASK', min: 8 },
      { title: 'STATUS', min: 11 },
      { title: 'TITLE', min: 16 },
      { title: 'AFTER', min: 5 },
    ],
    plan.tasks.map(({ id, status, title, depends }) => [
      ...[id, { text: status, colour: colours[status] }, title, depends.join(', ')],
    ]),
  );
}
