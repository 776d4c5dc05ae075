import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { DraftListItem } from '../../../src/contract/operations.ts';
import { Plan } from '../../../src/contract/records.ts';
import { RunListItem } from '../../../src/contract/rows/runs.ts';
import { taskPrompt } from '../../../src/editor/taskPrompt.ts';
import { type Planned, plannedOf, readPlanned } from '../../../src/editor/trees/planned.ts';
import { inOrder } from '../../../src/editor/trees/planOrder.ts';
import {
  listOf,
  noteRow,
  planRow,
  progressOf,
  taskRow,
  termRow,
} from '../../../src/editor/trees/planRow.ts';

const evil = '[x](command:y) <b> ``` https://z $(alert)\nrun         r_1 (done)';
/** What is left of a tooltip without its code blocks, in which nothing acts. */
const outside = (tooltip: string) => tooltip.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '').trim();

const task = (id: string, ...depends: string[]) => ({
  ...{ id, title: `Title of ${id}`, scope: 'src', depends, description: `Do ${id}` },
});
const planWith = (tasks: object[], more: object = {}) =>
  Plan.parse({
    ...{ id: 'p', title: 'Tidy up', workspace: '.', created: '2026-01-01', objective: 'Less code' },
    ...{ tasks, ...more },
  });
const order = (...tasks: object[]) => {
  const { tasks: ordered, circular } = inOrder(planWith(tasks).tasks);
  return { ids: ordered.map(({ id }) => id), circular };
};

const draft = (plan_task_id: string | null, more: object = {}) =>
  DraftListItem.parse({
    ...{ id: 'd_1772366400000_abcdef', prompt: 'Explain', status: 'draft' },
    ...{ created_at: '2026-03-01T12:00:00.000Z', plan_task_id, ...more },
  });
const run = (approved_id: string, more: object = {}) =>
  RunListItem.parse({
    ...{ id: 'r_1772366400000_abcdef', approved_id, status: 'running' },
    ...{ created_at: '2026-03-01T12:00:00.000Z', ...more },
  });
const rowsOf = ({ tasks }: Planned) => tasks.map((one) => taskRow(one));

describe('the tasks of a plan', () => {
  test('stand after those that they depend on, and else as the plan has them', () => {
    expect(order(task('c', 'a'), task('b'), task('a'))).toEqual({
      ids: ['a', 'c', 'b'],
      circular: false,
    });
    expect(order(task('a'), task('b', 'a'), task('c'), task('d', 'b', 'c')).ids).toEqual([
      ...['a', 'b', 'c', 'd'],
    ]);
  });

  test('are all there once, in an order that can be done, whatever the plan', () => {
    const wishes = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(wishes, fc.infiniteStream(fc.nat()), (each, dice) => {
        const tasks = each.map((wish, n) =>
          task(`t${n}`, ...wish.filter(() => n > 0).map((to) => `t${to % n}`)),
        );
        const shuffled = tasks
          .map((one) => ({ one, at: dice.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const { ids, circular } = order(...shuffled);
        expect(circular).toBe(false);
        expect([...ids].sort()).toEqual(tasks.map(({ id }) => id).sort());
        const place = new Map(ids.map((id, at) => [id, at]));
        for (const { id, depends } of tasks)
          for (const before of depends) expect(place.get(before)).toBeLessThan(place.get(id) ?? -1);
      }),
    );
  });

  test.each([
    ['in a circle', [task('a', 'b'), task('b', 'a'), task('c')], ['b', 'a', 'c'], true],
    ['on themselves', [task('a', 'a')], ['a'], true],
    ['on what is not there', [task('a', 'z')], ['a'], false],
    ['on one of two with the same id', [task('b', 'a'), task('a'), task('a')], null, false],
  ])('that a file by hand lets depend %s are all shown', (_how, tasks, ids, circular) => {
    const found = order(...tasks);
    if (ids === null) expect(found.ids).toHaveLength(tasks.length);
    else expect(found).toEqual({ ids, circular });
    expect(found.circular).toBe(circular);
  });

  test('can be a chain as long as a plan may be, written backwards', () => {
    const chain = Array.from({ length: 10_000 }, (_, n) =>
      n === 0 ? task('t0') : task(`t${n}`, `t${n - 1}`),
    );
    const { ids } = order(...chain.toReversed());
    expect([ids[0], ids.at(-1)]).toEqual(['t0', 't9999']);
  });
});

describe('a task', () => {
  test('says what it waits for, and only that', () => {
    const tasks = [{ ...task('a'), status: 'done' }, task('b'), task('c', 'a', 'b', 'b')];
    const planned = plannedOf(planWith(tasks), [], []);
    expect(rowsOf(planned).map(({ description }) => description)).toEqual([
      'done · a',
      'ready · b',
      'after b · c',
    ]);
    expect(progressOf(planned)).toBe('1 of 3 done');
    expect(listOf(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });

  test('says what became of its newest draft', () => {
    const plan = planWith([task('a'), task('b', 'a')]);
    const newest = draft('b');
    const older = draft('b', { id: 'd_1_000000', status: 'rejected' });
    const [, row] = rowsOf(plannedOf(plan, [newest, older, draft(null)], []));
    expect(row).toMatchObject({
      description: 'draft waits · after a · b',
      contextValue: 'task;pending;drafted;',
      icon: { color: 'charts.yellow' },
      spoken: 'task b, Title of b, pending, draft waits · after a',
    });
  });

  test.each([
    ['in_progress', {}, null, 'approved'],
    ['in_progress', {}, 'running', 'running'],
    ['in_progress', {}, 'paused', 'run paused'],
    ['blocked', {}, 'error', 'run failed'],
    ['blocked', { status: 'rejected', approved_id: null }, null, 'draft rejected'],
    ['done', {}, 'done', 'done'],
  ])('that is %s says why (%o, run %s): %s', (status, more, ran, told) => {
    const made = draft('a', { status: 'approved', approved_id: 'a_1_000000', ...more });
    const runs = ran === null ? [] : [run('a_1_000000', { status: ran })];
    const [row] = rowsOf(plannedOf(planWith([{ ...task('a'), status }]), [made], runs));
    expect(row?.description).toBe(`${told} · a`);
  });

  test('has an icon for every state', () => {
    const tasks = ['pending', 'in_progress', 'done', 'blocked'].map((status) => ({
      ...task(status),
      status,
    }));
    const icons = rowsOf(plannedOf(planWith(tasks), [], [])).map(({ icon }) => icon.id);
    expect(new Set(icons).size).toBe(4);
  });

  test('cannot act in its tooltip, nor forge a line of it', () => {
    const tasks = [
      {
        ...{ id: evil, title: evil, scope: evil, description: evil },
        depends: [`${evil}2`],
      },
    ];
    const [row] = rowsOf(
      plannedOf(planWith(tasks), [draft(evil, { error: evil, status: 'error' })], []),
    );
    expect(outside(row?.tooltip ?? '')).toMatch(/^\*\*[\w ]+\*\*\s+---$/);
    const facts = (row?.tooltip ?? '').split('---')[1] ?? '';
    expect(facts).not.toMatch(/^run /m);
    expect(outside(termRow('constraint', evil).tooltip)).toBe('**Constraint**');
    const plan = planRow(planWith([], { title: evil, objective: evil, workspace: evil }));
    expect(outside(plan.tooltip)).toMatch(/^\*\*Plan\*\*\s+---$/);
  });
});

test('what stands above the tasks says what the plan is for, and what is wrong with it', () => {
  const rowOf = (tasks: object[]) => noteRow(plannedOf(planWith(tasks), [], []));
  expect(planRow(planWith([]))).toMatchObject({
    ...{ label: 'Tidy up', description: 'Less code', spoken: 'plan, Tidy up, Less code' },
  });
  expect(rowOf([task('a')])).toBeNull();
  expect(rowOf([])?.label).toContain('no tasks');
  expect(rowOf([task('a', 'a')])?.label).toContain('circle');
});

test('10,000 tasks with drafts are read and put in order at once', async () => {
  const tasks = Array.from({ length: 10_000 }, (_, n) => ({
    ...task(`t${n}`, ...(n === 0 ? [] : [`t${n - 1}`])),
  })).toReversed();
  const plan = planWith(tasks);
  const asked: string[] = [];
  const client = createClient({
    async send(id) {
      asked.push(id);
      if (id === 'getPlan') return { status: 200, body: plan };
      const body = id === 'listDrafts' ? [draft('t3')] : [];
      return { status: 200, body, page: { total: body.length, next: null } };
    },
  });
  const planned = await readPlanned(client);
  expect(planned?.tasks[3]).toMatchObject({ task: { id: 't3' }, draft: { status: 'draft' } });
  expect(asked).toEqual(['getPlan', 'listDrafts', 'listRuns']);
});

test('no plan is no error, and any other is', async () => {
  const clientOf = (error: Error) => createClient({ send: () => Promise.reject(error) });
  expect(await readPlanned(clientOf(new GimoError('not_found', 'none')))).toBeNull();
  const refused = new GimoError('storage_error', 'The disk is gone.');
  await expect(readPlanned(clientOf(refused))).rejects.toBe(refused);
});

test('the prompt of a task holds all that a plan says of it', () => {
  expect(taskPrompt({ ...task('a'), scope: ' src/x ' }, ['No new packages', ' '])).toBe(
    'Title of a\n\nScope: src/x\n\nDo a\n\nConstraints:\n- No new packages',
  );
  expect(taskPrompt({ id: 'a', title: '', scope: '', description: '' }, [])).toBe('a');
});
