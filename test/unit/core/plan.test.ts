import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planProblem } from '../../../src/core/plan.ts';

const task = (id: string, ...depends: string[]) => ({
  ...{ id, title: id, scope: '', depends, status: 'pending' as const, description: '' },
});
const problem = (...tasks: ReturnType<typeof task>[]) => planProblem({ tasks });

describe('the tasks of a plan', () => {
  it('may be none, may stand alone, and may share what they depend on', () => {
    expect(problem()).toBeNull();
    expect(problem(task('a'), task('b'))).toBeNull();
    expect(problem(task('d', 'b', 'c'), task('b', 'a'), task('c', 'a', 'a'), task('a'))).toBeNull();
  });

  it('have ids of their own', () => {
    expect(problem(task('a'), task('a'))).toContain('same id');
  });

  it('depend on tasks of the same plan', () => {
    expect(problem(task('a', 'z'))).toContain('not in the plan');
  });

  it.each([
    ['on itself', [task('a', 'a')]],
    ['on each other', [task('a', 'b'), task('b', 'a')]],
    ['in a circle behind a task that can start', [task('s'), task('a', 's', 'b'), task('b', 'a')]],
  ])('do not depend %s', (_how, tasks) => {
    expect(problem(...tasks)).toContain('circle');
  });

  it('that depend on earlier ones only are never in a circle; one edge back makes one', () => {
    const counts = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(counts, (wishes) => {
        const tasks = wishes.map((wish, n) =>
          task(`t${n}`, ...wish.filter(() => n > 0).map((to) => `t${to % n}`)),
        );
        expect(problem(...tasks.toReversed())).toBeNull();
        const chain = tasks.map((one, n) =>
          n === 0
            ? task('t0', `t${tasks.length - 1}`)
            : { ...one, depends: [...one.depends, `t${n - 1}`] },
        );
        expect(problem(...chain)).toContain('circle');
      }),
    );
  });

  it('are checked in time that grows with the plan and not with its square', () => {
    // As many dependencies as a body of 1 MiB can hold: with a square this takes minutes.
    const crowd = Array.from({ length: 250_000 }, () => 'a');
    expect(problem(task('a'), { ...task('b'), depends: crowd })).toBeNull();
  });
});
