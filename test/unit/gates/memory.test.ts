import { expect, test } from 'vitest';
import { trendOf } from '../../bench/soak/memory.ts';

/* The slope that a soak tells. */

const line = (level: number, slope: number, from = 0) =>
  Array.from({ length: 5 }, (_, n) => ({ x: from + n / 10, y: level + (slope * n) / 10 }));

test('of a straight line is its own', () => {
  expect(trendOf([line(100, 12)]).slope).toBeCloseTo(12);
  expect(trendOf([line(100, 0)])).toMatchObject({ slope: 0, first: 100, last: 100, points: 5 });
});

test('within several lives does not count what each takes up when it starts', () => {
  const lives = [line(100, 3), line(150, 3, 1), line(90, 3, 2)];
  expect(trendOf(lives).slope).toBeCloseTo(3);
  expect(trendOf([lives.flat()]).slope).not.toBeCloseTo(3);
});

test('of too few points is not told', () => {
  expect(trendOf([]).slope).toBeNull();
  expect(trendOf([[{ x: 0, y: 1 }]]).slope).toBeNull();
  expect(trendOf([[], line(1, 1).slice(0, 2)]).slope).toBeNull();
});
