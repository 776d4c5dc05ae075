import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostBytes, planIn } from '../../../src/editor/planText.ts';

const task = (id: string, depends: string[] = []) => ({
  ...{ id, title: id, scope: '', description: '', depends },
});
const plan = (more: object = {}) => ({
  ...{ id: 'p', title: 'P', workspace: '.', created: '2026-01-01', objective: 'o' },
  ...{ tasks: [task('a'), task('b', ['a'])], ...more },
});
const problemOf = (text: string) => {
  const read = planIn(text);
  return 'problem' in read ? read.problem : null;
};
const problemOfPlan = (more: object) => problemOf(JSON.stringify(plan(more)));

test('text that is a plan becomes one, with what was left out filled in', () => {
  const read = planIn(JSON.stringify(plan()));
  expect(read).toMatchObject({ plan: { constraints: [], tasks: [{ status: 'pending' }, {}] } });
});

test('text that is no JSON is told with line and column, where the engine knows them', () => {
  expect(problemOf(' ')).toBe('The editor is empty.');
  expect(problemOf('{\n  "id": "p",\n  oops\n}')).toContain('It is not JSON: line 3, column 3: ');
  expect(problemOf('{')).toMatch(/^It is not JSON: .+\.$/);
});

test.each([
  [{ objective: undefined }, 'objective: '],
  [{ tasks: [task('a'), { ...task('b'), status: 'later' }] }, 'tasks[1].status: '],
  [{ tasks: [task('a', ['z'])] }, 'tasks[0].depends[0]: the plan has no task "z".'],
  [{ tasks: [task('a'), task('a')] }, 'tasks[1].id: "a" is the id of tasks[0] already.'],
  [{ tasks: [task('a', ['b']), task('b', ['a'])] }, 'circle'],
  [{ title: 'half \ud800' }, 'title: '],
  [{ 'odd key': { deep: '\0' } }, '["odd key"].deep: '],
])('a plan that does not fit is told with the place: %o', (more, told) => {
  expect(problemOfPlan(more)).toContain(told);
});

test('only the first issue is told, and how many more there are', () => {
  expect(problemOf('{"tasks": []}')).toMatch(/^id: .+ \(and 4 more\)$/);
  expect(problemOf('[]')).toMatch(/^The whole text: /);
});

test('a text that is larger than a request may be is not even looked at', () => {
  const read = problemOf(JSON.stringify(plan({ objective: 'ä'.repeat(mostBytes / 2) })));
  expect(read).toContain('a plan may have 1,048,576');
});

test('whatever the text is, the answer is a plan or a problem in words', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      expect(problemOf(text)).toMatch(/\S/);
    }),
  );
});
