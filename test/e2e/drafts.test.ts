import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * A person's way with drafts through the real workbench, in order: each test goes on where the one before it ended.
 */

let workbench: Workbench;
let folder: string;
let token: string;
let url: string;

beforeAll(async () => {
  folder = makeRepository();
  workbench = await launchWorkbench('drafts');
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
});

afterAll(async () => {
  await workbench?.screenshot('drafts-last');
  await workbench?.close();
});

function makeRepository(): string {
  const dir = mkdtempSync(path.join(inject('scratch'), 'repository-'));
  writeFileSync(path.join(dir, 'README.md'), '# A repository\n');
  const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args]);
  git('init', '--quiet', '--initial-branch=main');
  git('-c', 'user.name=e2e', '-c', 'user.email=e2e@localhost', 'add', '.');
  git('-c', 'user.name=e2e', '-c', 'user.email=e2e@localhost', 'commit', '--quiet', '-m', 'first');
  return dir;
}

function propose(prompt: string): Promise<Response> {
  return fetch(`${url}/ops/drafts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
  });
}

/** What the Drafts view says while it is empty; the views below it have words of their own. */
const welcome = () =>
  workbench.page
    .locator('.pane', { has: workbench.page.locator('.pane-header[aria-label^="Drafts"]') })
    .locator('.welcome-view-content');

test('the server starts by itself, and the empty view says what to do', async () => {
  await welcome().filter({ hasText: 'Nothing waits for you' }).waitFor();
  await workbench.screenshot('drafts-empty');
});

test('a token can be copied, and only for a role that a person picks', async () => {
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0] ?? '';
  token = await workbench.clipboard();
  expect(token.length).toBeGreaterThanOrEqual(48);
  expect(told).not.toContain(token);
});

test('a draft that comes over HTTP shows in the tree without being asked for', async () => {
  const answer = await propose('Explain how the tests are started');
  expect(answer.status).toBe(201);
  const row = workbench.rows('Drafts').filter({ hasText: 'Explain how the tests are started' });
  await row.waitFor();
  expect(await row.textContent()).toContain('waiting');
});

test('text of a draft cannot act in the tree or in its tooltip', async () => {
  const prompt =
    '[run me](command:gimo.stopServer) <img src=x> `` ``` https://localhost.invalid $(alert)';
  expect((await propose(prompt)).status).toBe(201);
  const row = workbench.rows('Drafts').filter({ hasText: '[run me]' });
  await row.hover();
  const tooltip = workbench.page
    .locator('.monaco-hover, .workbench-hover')
    .filter({ hasText: 'run me' });
  await tooltip.first().waitFor();
  expect(await tooltip.locator('a, img').count()).toBe(0);
  expect(await tooltip.first().textContent()).toContain('command:gimo.stopServer');
  await workbench.screenshot('drafts-tooltip');
});

test('a person proposes a draft from the palette', async () => {
  await workbench.run('GIMO: New Draft');
  await workbench.answer('List what is left to do');
  await workbench.rows('Drafts').filter({ hasText: 'List what is left to do' }).waitFor();
  const badge = workbench.page.locator('.activitybar .action-item', {
    has: workbench.page.locator('.action-label[aria-label^="GIMO"]'),
  });
  await badge.locator('.badge-content').filter({ hasText: '3' }).waitFor();
  await workbench.screenshot('drafts-dark');
});

test('a reload keeps port, token and drafts', async () => {
  workbench.settings({ 'workbench.colorTheme': 'Default Light Modern' });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await workbench.rows('Drafts').filter({ hasText: 'List what is left to do' }).waitFor();
  expect((await propose('Written after the reload')).status).toBe(201);
  await workbench.rows('Drafts').filter({ hasText: 'Written after the reload' }).waitFor();
  await workbench.screenshot('drafts-light');
});

test('a stopped server is told, answers nobody, and starts again', async () => {
  await workbench.run('GIMO: Stop Server');
  await welcome().filter({ hasText: 'The server is stopped' }).waitFor();
  await workbench.screenshot('drafts-stopped');
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  await welcome().getByText('Start Server').click();
  await workbench.rows('Drafts').filter({ hasText: 'Written after the reload' }).waitFor();
});

test('a port set by hand is that port, or an error; mended, the server starts', async () => {
  const taken = Number(new URL(inject('workbench')).port);
  workbench.machineSettings({ 'gimo.port': taken });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'The server could not start' }).waitFor();
  await workbench.toast(new RegExp(`${taken}`)).waitFor();
  await workbench.screenshot('drafts-failed');
  workbench.machineSettings({});
  await workbench.rows('Drafts').filter({ hasText: 'Written after the reload' }).waitFor();
});

test('a window without a folder says so, and serves nothing', async () => {
  await workbench.open(null);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'Open a folder' }).waitFor();
  await workbench.run('GIMO: Start Server');
  await workbench.toast(/No folder is open/).waitFor();
  expect(await welcome().filter({ hasText: 'Open a folder' }).isVisible()).toBe(true);
  await workbench.screenshot('drafts-no-folder');
});

test('a folder that is not trusted gets no server until it is', async () => {
  workbench.settings({
    'security.workspace.trust.enabled': true,
    'security.workspace.trust.startupPrompt': 'never',
  });
  const untrusted = makeRepository();
  await workbench.open(untrusted);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'a folder that you do not trust' }).waitFor();
  await workbench.screenshot('drafts-untrusted');
  expect(existsSync(path.join(untrusted, '.orch_data'))).toBe(false);
  await welcome().getByText('Manage Workspace Trust').click();
  await workbench.page
    .locator('.workspace-trust-editor')
    .getByText('Trust', { exact: true })
    .click();
  await welcome().filter({ hasText: 'Nothing waits for you' }).waitFor();
});
