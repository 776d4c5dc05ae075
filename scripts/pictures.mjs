/*
 * `npm run pictures`: makes the pictures of the README anew, by the end-to-end test that does the main job in the real
 * workbench.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const args = [vitest, 'run', '--project', 'e2e', 'test/e2e/main-job.test.ts'];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
if (status === 0)
  for (const name of ['review', 'diff', 'run'])
    copyFileSync(
      path.join(root, `test-results/e2e/main-job-${name}.png`),
      path.join(root, `media/${name}.png`),
    );
process.exitCode = status ?? 1;
