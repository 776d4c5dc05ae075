/*
 * `npm run pictures`: makes the pictures of the README anew, by the end-to-end test that does the main job in the real
 * workbench, and the gallery in `docs`, by a tour through the whole extension.
 *
 *   npm run pictures                all of them
 *   npm run pictures -- readme      those of the README
 *   npm run pictures -- gallery     the gallery
 *   npm run pictures -- matrix      each stop of the tour in every theme and at several widths, checked with axe, into
 *                                   `test-results/gallery`, to be looked at
 */
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { startVitest } from 'vitest/node';

const root = path.dirname(import.meta.dirname);
const seconds = 1000;
const wanted = process.argv.slice(2);
const wants = (name) => wanted.length === 0 || wanted.includes(name);

/** Runs a file with the set-up of the end-to-end tests, and tells whether all went well. */
async function drive(file) {
  const vitest = await startVitest('test', [], {
    ...{ root, config: false, watch: false, include: [file] },
    globalSetup: ['test/e2e/setup.ts'],
    // What is done builds on what was done before it.
    bail: 1,
    reporters: ['verbose'],
    testTimeout: 600 * seconds,
    hookTimeout: 180 * seconds,
  });
  const failed = process.exitCode !== undefined && process.exitCode !== 0;
  await vitest.close();
  return !failed;
}

const copy = (from, to) => copyFileSync(path.join(root, from), path.join(root, to));

if (wants('readme') && (await drive('test/e2e/main-job.test.ts')))
  copy('test-results/e2e/main-job-run.png', 'media/run.png');
// The first picture of the README is of a folder in which more goes on, and the diff is of files that are there.
if (wants('gallery') && (await drive('scripts/gallery/gallery.tour.ts'))) {
  copy('docs/gallery/draft-dark-wide.png', 'media/review.png');
  copy('docs/gallery/diff-dark-wide.png', 'media/diff.png');
}
if (wanted.includes('matrix')) {
  process.env.GALLERY_MATRIX = '1';
  await drive('scripts/gallery/gallery.tour.ts');
}
