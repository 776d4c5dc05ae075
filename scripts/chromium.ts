import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** For tests: without a sandbox, so that it runs as root in a container, and with no way into the network. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/**
 * Finds a Chromium: `CHROME_PATH`, the usual places, the one that Playwright keeps; if there is none, installs one
 * with Playwright or, as root on Debian, with apt. Throws with what to do if all of that fails.
 */
export function ensureChromium(): string {
  const asked = process.env.CHROME_PATH;
  if (asked !== undefined && asked !== '') {
    if (existsSync(asked)) return asked;
    throw new Error(`CHROME_PATH names ${asked}, and there is no such file.`);
  }
  const found = findChromium();
  if (found !== undefined) return found;
  console.log('Installing Chromium for the tests (once).');
  for (const install of [installWithPlaywright, installWithApt]) {
    install();
    const installed = findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    'The e2e tests need Chromium or Chrome, and none could be installed. Install one, or let CHROME_PATH name it.',
  );
}

function findChromium(): string | undefined {
  return [...usualPlaces, chromium.executablePath()].find((file) => existsSync(file));
}

function installWithPlaywright(): void {
  spawnSync('npx', ['playwright-core', 'install', 'chromium'], { stdio: 'ignore' });
}

function installWithApt(): void {
  if (process.getuid?.() !== 0) return;
  spawnSync('apt-get', ['update'], { stdio: 'ignore' });
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
