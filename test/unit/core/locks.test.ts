import { expect, it } from 'vitest';
import { createLocks } from '../../../src/core/locks.ts';
import { gate } from './support.ts';

it('under one key one at a time, in the order of arrival; under another key at once', async () => {
  const locks = createLocks();
  const [first, second] = [gate(), gate()];
  const steps: string[] = [];
  const work = (name: string, until: Promise<void>) => async () => {
    steps.push(`${name} in`);
    await until;
    steps.push(`${name} out`);
  };
  const one = locks.run('a', work('1', first.promise));
  const two = locks.run('a', work('2', second.promise));
  await locks.run('b', work('other key', Promise.resolve()));
  await locks.run(undefined, work('no key', Promise.resolve()));
  expect(steps.sort()).toEqual([
    '1 in',
    'no key in',
    'no key out',
    'other key in',
    'other key out',
  ]);
  steps.length = 0;
  second.resolve();
  first.resolve();
  await Promise.all([one, two]);
  expect(steps).toEqual(['1 out', '2 in', '2 out']);
});

it('a failure is told to its caller and lets the next one in', async () => {
  const locks = createLocks();
  const failed = locks.run('a', () => Promise.reject(new Error('broken')));
  const next = locks.run('a', async () => 'fine');
  await expect(failed).rejects.toThrow('broken');
  await expect(next).resolves.toBe('fine');
});
