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
/** A token of the other folder. */
let otherToken: string;

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

/** What a server answers a token that may read drafts. */
const drafts = async ({ url }: ServerInfo, token: string) =>
  (await fetch(`${url}/ops/drafts`, { headers: { authorization: `Bearer ${token}` } })).status;

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
  await (second ?? first)?.screenshot('windows-last');
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
  // Not by New Draft, which shows it: with another page beside it, no webview of the editor loads in this one, not even
  // its own preview of Markdown.
  await first.run('GIMO: Generate Draft');
  await first.answer('Look at the tests');
  await first.toast(/A draft waits for you/).waitFor();
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

test('another folder that is open has a server of its own, with tokens of its own', async () => {
  const other = makeFolder('windows-other');
  const third = await anotherWindow(first, 'windows-third');
  await third.open(other);
  await hosts(third);
  await third.run('GIMO: Copy Token');
  await third.pick('agent');
  await third.toast(/Copied the agent token/).waitFor();
  otherToken = await third.clipboard();
  const [mine, theirs] = [await noted(folder), await noted(other)];
  expect(new URL(theirs.url).port).not.toBe(new URL(mine.url).port);
  expect(await drafts(theirs, otherToken)).toBe(200);
  expect(await drafts(mine, otherToken)).toBe(401);
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
  const before = await noted(folder);
  await second.page.reload();
  await second.page.locator('.monaco-workbench').waitFor();
  await second.open(folder);
  await second.openContainer('GIMO');
  await hosts(second);
  await second.rows('Approved').filter({ hasText: 'Look at the tests' }).waitFor();
  const { url, pid, epoch } = await noted(folder);
  expect(pid).not.toBe(before.pid);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  // The one before it answers no more, and its port went on to the new one.
  expect(url).toBe(before.url);
  expect((await noted(folder)).epoch).toBe(epoch);
});

test('where no secret can be kept, tokens last as long as the window, and that is told once', async () => {
  const other = makeFolder('windows-other');
  const third = await anotherWindow(second, 'windows-no-keyring');
  // What the browser throws where it may keep nothing: the editor's secret storage rejects with it.
  await third.page.addInitScript(`{
    const { getItem } = Storage.prototype;
    Storage.prototype.getItem = function (key) {
      if (key === 'secrets.provider') throw new DOMException('denied', 'SecurityError');
      return getItem.call(this, key);
    };
  }`);
  await third.open(other);
  await hosts(third);
  const warning = third.toast(/cannot keep the GIMO tokens on this computer/);
  await warning.waitFor();
  await third.screenshot('windows-no-keyring');
  expect(await drafts(await noted(other), otherToken)).toBe(401);
  await third.page
    .locator('.notifications-toasts .notification-list-item')
    .filter({ hasText: 'cannot keep the GIMO tokens' })
    .getByRole('button', { name: 'Copy Token' })
    .click();
  await third.pick('agent');
  await third.toast(/Copied the agent token/).waitFor();
  const token = await third.clipboard();
  expect(await drafts(await noted(other), token)).toBe(200);
  await third.run('Notifications: Clear All Notifications');
  const { epoch } = await noted(other);
  await third.run('GIMO: Stop Server');
  await status(third, /the server is stopped/).waitFor();
  await third.run('GIMO: Start Server');
  await hosts(third);
  const again = await noted(other);
  expect(again.epoch).toBeGreaterThan(epoch);
  expect(await drafts(again, token)).toBe(200);
  expect(await third.page.locator('.notifications-toasts .notification-list-item').count()).toBe(0);
  await third.close();
});

test('on another computer the tokens are new, and that is told with a way to copy them', async () => {
  await second.page.evaluate("localStorage.removeItem('secrets.provider')");
  await second.open(folder);
  await second.toast(/no GIMO tokens of this folder any more/).waitFor();
  await hosts(second);
  await second.screenshot('windows-lost-tokens');
});
