import { afterAll, beforeAll, test } from 'vitest';
import { type Bench, openBench } from './bench.ts';
import { braked } from './braked.ts';
import { decisions } from './decisions.ts';
import { firstMinutes } from './first-minutes.ts';
import { reviews } from './reviews.ts';
import { runs } from './runs.ts';
import { views } from './views.ts';

/*
 * Goes through the whole extension as a person does, in order, and takes pictures. Each stop goes on where the one before
 * it ended.
 */

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(async () => {
  await bench?.workbench.screenshot('gallery-last');
  await bench?.workbench.close();
});

const now = () => bench;
firstMinutes(now);
reviews(now);
runs(now);
views(now);
decisions(now);
braked(now);
test('the gallery is put together', () => bench.camera.publish());
