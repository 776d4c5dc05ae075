import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { panelOf } from './panelPage.ts';
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
  workbench.settings({
    ...{ 'workbench.colorTheme': 'Default Dark Modern', 'files.autoSave': 'off' },
    'workbench.hover.delay': 300,
  });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
});

afterAll(async () => {
  workbench?.machineSettings({});
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

function propose(prompt: string, steps?: object[]): Promise<Response> {
  return fetch(`${url}/ops/drafts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, steps }),
  });
}

/** What the Drafts view says while it is empty; the views below it have words of their own. */
const welcome = () =>
  workbench.page
    .locator('.pane', { has: workbench.page.locator('.pane-header[aria-label^="Drafts"]') })
    .locator('.welcome-view-content');

/** A button below a notification. */
const offered = (label: string) =>
  workbench.page.locator('.notifications-toasts .monaco-button').filter({ hasText: label });

/** How much waits, on the icon of the container. */
const badge = () =>
  workbench.page
    .locator('.activitybar .action-item', {
      has: workbench.page.locator('.action-label[aria-label^="GIMO"]'),
    })
    .locator('.badge-content:visible');
const status = (label: RegExp) =>
  workbench.page
    .locator('.statusbar-item[id$="gimo.status"] a')
    .and(workbench.page.getByLabel(label));
const picks = () => workbench.page.locator('.quick-input-list .monaco-list-row');

/** Each view that has nothing to show says in words why; these are in the order of the views. */
async function allSay(...words: readonly string[]): Promise<void> {
  const folded = workbench.page.locator(
    '.pane-header[aria-label^="Control Plane"][aria-expanded="false"]',
  );
  if (await folded.isVisible()) await folded.click();
  const said = workbench.page.locator('.pane-body .welcome-view-content');
  for (const some of words) await said.filter({ hasText: some }).first().waitFor();
}

test('the server starts by itself, and the empty views say what to do', async () => {
  await welcome().filter({ hasText: 'Nothing waits for you' }).waitFor();
  await allSay(
    ...['No model is set up yet', 'Nothing is approved yet', 'Nothing has run yet'],
    'There is no plan yet',
  );
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
  await panelOf(workbench).title.filter({ hasText: 'List what is left to do' }).waitFor();
  await workbench.rows('Drafts').filter({ hasText: 'List what is left to do' }).waitFor();
  await badge().filter({ hasText: '3' }).waitFor();
  await workbench.screenshot('drafts-dark');
});

test('what is risky about a draft is told in its panel, also a file that is open and not saved', async () => {
  const { page } = workbench;
  await page.keyboard.press('Control+P');
  await page.locator('.quick-input-widget input[type="text"]').first().fill('README.md');
  await picks().filter({ hasText: 'README.md' }).first().click();
  await page.locator('.editor-instance .view-line').filter({ hasText: 'A repository' }).click();
  await page.keyboard.type('unsaved ');
  await page.locator('.tab.active.dirty').waitFor();
  const change = (at: string, text: string) => ({ path: at, text });
  const changes = [
    change('README.md', '# Mine\n'),
    change('keys.txt', 'key = [REDACTED]\n'),
    change('more.txt', 'password = "correct horse battery"\n'),
    change('later/notes.txt', 'By now this leads elsewhere.\n'),
  ];
  const steps = [{ id: 'e', kind: 'edit', changes }];
  expect((await propose('Take every risk', steps)).status).toBe(201);
  symlinkSync(inject('scratch'), path.join(folder, 'later'));
  await workbench.openContainer('GIMO');
  await workbench.rows('Drafts').filter({ hasText: 'Take every risk' }).click();
  const panel = panelOf(workbench);
  await panel.title.filter({ hasText: 'Take every risk' }).waitFor();
  const warnings = panel.frame.locator('.banner-warning').first();
  for (const words of [
    'open with changes that are not saved',
    'was put where something secret stood',
    'looks like a key or a password',
    'symbolic link',
  ])
    await warnings.filter({ hasText: words }).waitFor();
  await workbench.screenshot('drafts-warnings');
  await page.locator('.tab').filter({ hasText: 'README.md' }).click();
  await workbench.run('File: Revert File');
  await page.locator('.tab.dirty').waitFor({ state: 'detached' });
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
  await allSay(
    ...['What waits is kept, and nothing runs', 'What you approved is kept', 'so nothing runs'],
    ...['The plan is kept', 'so no client can reach it'],
  );
  await workbench.screenshot('drafts-stopped');
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  await welcome().getByText('Start Server').click();
  await workbench.rows('Drafts').filter({ hasText: 'Written after the reload' }).waitFor();
});

test('with autoStart off, nothing starts until a person says so', async () => {
  workbench.machineSettings({ 'gimo.autoStart': false });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'The server is stopped' }).waitFor();
  await status(/the server is stopped/).waitFor();
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
  await status(/could not start/).waitFor();
  await allSay(
    ...['The server could not start.', 'The server could not start.', 'start, so nothing runs'],
    ...['could not start. The plan is kept', 'start, so no client can reach it'],
  );
  await workbench.screenshot('drafts-failed');
  workbench.machineSettings({});
  await workbench.rows('Drafts').filter({ hasText: 'Written after the reload' }).waitFor();
});

test('a window without a folder says so, and serves nothing', async () => {
  await workbench.open(null);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'Open a folder' }).waitFor();
  await allSay(
    ...['Open a folder and GIMO keeps', 'is kept here, sealed', 'What runs shows here'],
    ...['A plan splits work into tasks', 'How the server is, who may do what'],
  );
  await workbench.run('GIMO: Start Server');
  await workbench.toast(/No folder is open/).waitFor();
  await offered('Open Folder').waitFor();
  expect(await welcome().filter({ hasText: 'Open a folder' }).isVisible()).toBe(true);
  await workbench.screenshot('drafts-no-folder');
});

test('a folder that is not trusted gets no server until it is', async () => {
  workbench.settings({
    'security.workspace.trust.enabled': true,
    'security.workspace.trust.startupPrompt': 'never',
    // Else the editor of trust lies over the window.
    'workbench.editor.useModal': 'off',
  });
  // For the tests that come after this one.
  workbench.machineSettings({ 'gimo.notifications': false });
  const untrusted = makeRepository();
  await workbench.open(untrusted);
  await workbench.openContainer('GIMO');
  await welcome().filter({ hasText: 'a folder that you do not trust' }).waitFor();
  await allSay(
    ...['so it does nothing in a folder', 'Nothing can be approved', 'Nothing runs in a folder'],
    ...['No task of a plan is drafted', 'There is no server in a folder'],
  );
  await workbench.screenshot('drafts-untrusted');
  expect(existsSync(path.join(untrusted, '.orch_data'))).toBe(false);
  // The item in the status bar says it too, and leads to the same place.
  await workbench.page.locator('.statusbar-item', { hasText: 'GIMO untrusted' }).click();
  await picks().filter({ hasText: 'Manage Workspace Trust' }).waitFor();
  await workbench.page.keyboard.press('Escape');
  await workbench.run('GIMO: Start Server');
  await workbench.toast(/not trusted, so no server starts/).waitFor();
  await offered('Manage Workspace Trust').click();
  await workbench.page
    .locator('.workspace-trust-editor')
    .getByText('Trust', { exact: true })
    .click();
  await welcome().filter({ hasText: 'Nothing waits for you' }).waitFor();
});

test('without notifications, what a client asks for waits in row, badge and status bar', async () => {
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  const answer = await fetch(`${/http:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0]}/ops/config`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${await workbench.clipboard()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ approval_channel: 'any' }),
  });
  expect(answer.status).toBe(202);
  await badge().filter({ hasText: '1' }).waitFor();
  await status(/1 request waits for you/).waitFor();
  expect(await workbench.toast(/asks to change/).count()).toBe(0);
  await workbench.focus('Control Plane');
  const row = workbench.rows('Control Plane').filter({ hasText: 'Asked For' });
  await row.filter({ hasText: '1 request waits for you' }).waitFor();
  await workbench.screenshot('drafts-asked');
  await row.click();
  await picks().filter({ hasText: 'approval_channel: auto → any' }).waitFor();
  await workbench.page.keyboard.press('Enter');
  await row.waitFor({ state: 'detached' });
  await badge().waitFor({ state: 'detached' });
});

test('an empty view says that everything is locked down, and offers to end it', async () => {
  await status(/listens on port/).click();
  await workbench.pick('Lock Down');
  await workbench.answer('');
  await welcome().filter({ hasText: 'Everything is locked down' }).waitFor();
  await status(/locked down, so nothing new starts/).waitFor();
  await workbench.screenshot('drafts-locked');
  await welcome().getByText('Resolve Lockdown').click();
  await workbench.pick('Yes, end the lockdown');
  await welcome().filter({ hasText: 'Nothing waits for you' }).waitFor();
});
