import { afterAll, expect, it } from 'vitest';
import { createHull } from './hull.ts';
import { soak } from './soak.ts';

/** Chosen anew each time, and told; `GIMO_FAULTS_SEED` and `GIMO_FAULTS_KILLS` say otherwise. */
const seed = Number(process.env.GIMO_FAULTS_SEED ?? Date.now() % 1_000_000);
const kills = Number(process.env.GIMO_FAULTS_KILLS ?? 300);
const hull = createHull();
/** What goes on at a time: half of it in processes of one server each. */
const lanes = [null, null, hull, hull];

it('a server that is killed at random, again and again, keeps all that it has told its clients', {
  timeout: 3_600_000,
}, async () => {
  const each = Math.ceil(kills / lanes.length);
  const all = await Promise.all(lanes.map((one, n) => soak(seed + n, each, one)));
  const violations = all.flatMap((one) => one.violations);
  const sum = all.reduce((total, one) => total + one.kills, 0);
  console.log(`soak: seed ${seed}, ${sum} kills, ${violations.length} violations`);
  expect(violations).toEqual([]);
});

afterAll(() => hull.closed());
