import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchWorkbench, type Workbench } from './workbench.ts';

/* `npm start` on a computer without a VS Code of its own. */

const root = path.dirname(path.dirname(import.meta.dirname));
let started: ChildProcess;
let workbench: Workbench;
let address: URL;

beforeAll(async () => {
  const dir = path.join(inject('scratch'), 'start');
  const child = spawn(
    process.execPath,
    [path.join(root, 'scripts', 'start.mjs'), '--browser', '--dir', dir],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, GIMO_CONFIG_HOME: path.join(dir, 'ledger') },
    },
  );
  started = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /http:\S+/.exec(line)?.[0];
    if (found === undefined) continue;
    address = new URL(found);
    break;
  }
  workbench = await launchWorkbench('start');
});

afterAll(async () => {
  await workbench?.close();
  if (started.exitCode === null) started.kill('SIGKILL');
});

test('without the key of the address nobody gets in', async () => {
  expect((await fetch(address.origin)).status).toBe(403);
  expect((await fetch(`${address.origin}/?key=${'0'.repeat(48)}`)).status).toBe(403);
});

test('the printed address opens VS Code on the sample, with GIMO in it', async () => {
  await workbench.page.goto(address.href);
  await workbench.openContainer('GIMO');
  await workbench.page.locator('.welcome-view-content').getByText('Nothing waits').waitFor();
  expect(workbench.page.url()).not.toContain('key=');
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer('Explain how the tests are started');
  await workbench.rows('Drafts').filter({ hasText: 'offline' }).first().waitFor();
  await workbench.screenshot('start');
});

test('Ctrl-C ends all of it', async () => {
  const ended = once(started, 'exit');
  started.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  await expect(fetch(address.origin)).rejects.toThrow();
});
