import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readServer, type ServerInfo } from '../../src/store/discovery.ts';
import { dataDirOf, ledgerDir } from '../../src/store/paths.ts';
import { panelOf } from './panelPage.ts';
import { anotherWindow, launchWorkbench, type Workbench } from './workbench.ts';

/* Two windows of one person on one folder, in order: each test goes on where the one before it ended. */

let first: Workbench;
let second: Workbench;
let folder: string;

const status = ({ page }: Workbench, text: RegExp) =>
  page.locator('.statusbar-item[id$="gimo.status"] a').and(page.getByLabel(text));
const hosts = (window: Workbench) => status(window, /the server listens on port/).waitFor();
const isAttached = (window: Workbench) =>
  status(window, /attached to the server of another window/).waitFor();

/** What the ledger notes about the server of a folder. */
async function noted(of: string): Promise<ServerInfo> {
  const home = path.join(inject('scratch'), 'ledger');
  const found = await readServer(ledgerDir(home, dataDirOf(of)));
  if (found === null) throw new Error('no server is noted');
  return found;
}

const makeFolder = (name: string) => {
  const made = path.join(inject('scratch'), name);
  mkdirSync(made, { recursive: true });
  return made;
};

beforeAll(async () => {
  folder = makeFolder('windows');
  first = await launchWorkbench('windows');
  await first.open(folder);
  await first.openContainer('GIMO');
  await hosts(first);
  second = await anotherWindow(first, 'windows-second');
});

afterAll(async () => {
  await second?.screenshot('windows-last');
  await first?.close();
});

test('the second window says that it is attached', async () => {
  await second.open(folder);
  await second.openContainer('GIMO');
  await isAttached(second);
  await second.page
    .getByText('attached to the server of another window or of gimo serve')
    .waitFor();
  await second.screenshot('windows-attached');
});

test('what one window proposes shows in the other, and is approved there', async () => {
  await first.page.bringToFront();
  await first.run('GIMO: New Draft');
  await first.answer('Look at the tests');
  await second.page.bringToFront();
  await second.rows('Drafts').filter({ hasText: 'Look at the tests' }).click();
  const panel = panelOf(second);
  await panel.action('Approve').waitFor();
  await panel.action('Approve').click();
  await second.rows('Approved').filter({ hasText: 'Look at the tests' }).waitFor();
  await first.rows('Approved').filter({ hasText: 'Look at the tests' }).waitFor();
});

test('its tokens are those of the server that it is attached to', async () => {
  await second.run('GIMO: Copy Token');
  await second.pick('operator');
  await second.toast(/Copied the operator token/).waitFor();
  const { url } = await noted(folder);
  const headers = { authorization: `Bearer ${await second.clipboard()}` };
  expect((await fetch(`${url}/ui/audit`, { headers })).status).toBe(200);
});

test('another folder has a server of its own', async () => {
  const other = makeFolder('windows-other');
  const third = await anotherWindow(first, 'windows-third');
  await third.open(other);
  await hosts(third);
  expect((await noted(other)).url).not.toBe((await noted(folder)).url);
  await third.close();
});

test('when the host of the first is killed, the second takes over with all there is', async () => {
  const before = await noted(folder);
  process.kill(before.pid, 'SIGKILL');
  await hosts(second);
  const after = await noted(folder);
  expect(after.epoch).toBeGreaterThan(before.epoch);
  expect(after.pid).not.toBe(before.pid);
  await second.rows('Approved').filter({ hasText: 'Look at the tests' }).waitFor();
  await second.screenshot('windows-taken-over');
});

test('two reloads in quick succession leave one server', async () => {
  await first.page.close();
  await second.page.reload();
  await second.page.locator('.monaco-workbench').waitFor();
  await second.open(folder);
  await second.openContainer('GIMO');
  await hosts(second);
  const { url, epoch } = await noted(folder);
  await second.rows('Approved').filter({ hasText: 'Look at the tests' }).waitFor();
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await noted(folder)).epoch).toBe(epoch);
});
