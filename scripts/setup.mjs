/*
 * Makes a fresh clone ready: installs the dependencies if they are missing or older than package-lock.json. Runs on
 * plain Node 20 before anything is installed, so it imports nothing but Node's own modules.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

/** When a file was written last, in milliseconds; 0 if there is none. */
function written(file) {
  return statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (written('node_modules/.package-lock.json') < written('package-lock.json')) {
  console.log('Installing the dependencies (once, about half a minute).');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('The dependencies could not be installed. `npm ci` tells more.');
    process.exitCode = 1;
  }
}
