import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * A person's way through the view Control Plane, in order: each test goes on where the one before it ended.
 */

let workbench: Workbench;
let folder: string;
let token: string;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(inject('scratch'), 'control-'));
  writeFileSync(path.join(folder, 'README.md'), '# Invoices\n\nTotals are exact to the cent.\n');
  writeFileSync(path.join(folder, '.env'), 'KEY=1\n');
  workbench = await launchWorkbench('control');
  workbench.settings({
    'workbench.colorTheme': 'Default Dark Modern',
    // What the editor does not watch is seen all the same.
    'files.watcherExclude': { '**/.orch_data/**': true },
  });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  for (const other of ['Drafts', 'Approved', 'Runs', 'Plan']) await header(other).click();
  await header('Control Plane').click();
  await row('Server').waitFor();
});

afterAll(async () => {
  await workbench?.screenshot('control-last');
  await workbench?.close();
});

const header = (name: string) =>
  workbench.page.locator('.pane-header').filter({ hasText: name }).first();
const row = (text: string | RegExp) =>
  workbench.rows('Control Plane').filter({ hasText: text }).first();
const status = (label: RegExp) =>
  workbench.page
    .locator('.statusbar-item[id$="gimo.status"] a')
    .and(workbench.page.getByLabel(label));
const picks = () => workbench.page.locator('.quick-input-list .monaco-list-row');
const told = (text: string) =>
  workbench.page.locator('.statusbar-item').filter({ hasText: text }).first();
const record = (...names: string[]) => path.join(folder, '.orch_data', 'ops', ...names);

async function propose(prompt: string): Promise<number> {
  const answer = await fetch(`${url}/ops/drafts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
  });
  return answer.status;
}

/** Clicks an action that a row shows under the pointer. */
async function act(on: Locator, label: string): Promise<void> {
  await on.hover();
  await on.locator(`.actions .action-label[aria-label^="${label}"]`).click();
}

/** Picks from the menu of a file in the Explorer. */
async function onFile(name: string, label: string): Promise<void> {
  await workbench.run('View: Show Explorer');
  const file = workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name });
  await file.click({ button: 'right' });
  const entry = workbench.page.locator('.monaco-menu .action-item', { hasText: label }).first();
  // Right after it opens, the menu takes a click for the end of the one that opened it.
  await entry.hover();
  await workbench.page.keyboard.press('Enter');
}

test('a quiet server shows how it is, and nothing that needs nobody', async () => {
  const labels = await workbench.rows('Control Plane').locator('.label-name').allTextContents();
  expect(labels).toEqual([
    ...['Server', 'Provider', 'Approvals', 'Commands', 'Clients May Read', 'Tokens'],
    ...['Command Line', 'Audit Log', 'Lockdown'],
  ]);
  expect(await row('Server').getAttribute('aria-label')).toMatch(
    /^server, running at 127\.0\.0\.1:\d+, epoch \d+/,
  );
  await workbench.screenshot('control-empty');
});

test('a token is copied from its row', async () => {
  await row('Tokens').click();
  await act(row('May do everything'), 'Copy Token');
  const toast = workbench.toast(/Copied the admin token/);
  url = /http:\/\/127\.0\.0\.1:\d+/.exec((await toast.textContent()) ?? '')?.[0] ?? '';
  token = await workbench.clipboard();
  expect(await propose('Explain the rounding')).toBe(201);
  await workbench.toast(/A draft waits for you: Explain the rounding/).waitFor();
  await workbench.screenshot('control-notification');
  await row('Tokens').click();
});

test('the Explorer lets clients read a file, and a row takes it back', async () => {
  await onFile('README.md', 'Let Clients Read');
  await workbench.screenshot('control-let-read');
  await workbench.pick('A Day');
  await told('Clients may read README.md').waitFor();
  await onFile('.env', 'Let Clients Read');
  await workbench.pick('An Hour');
  await workbench.toast(/\.env: GIMO never lets clients read this/).waitFor();
  await workbench.focus('Control Plane');
  await row(/README\.md.*(23 h|1 d) left/).waitFor();
});

test('a change outside has a row, a diff, and no effect until it is accepted', async () => {
  writeFileSync(record('config.json'), JSON.stringify({ max_concurrent_runs: 7 }));
  writeFileSync(record('drafts', 'd_1795403042708_b0de59.json'), '{ this is no draft');
  await row('Changed Outside').waitFor();
  await workbench.run('GIMO: Refresh');
  await row('Quarantined').waitFor();
  await workbench.screenshot('control-full');
  await act(row('accept or restore'), 'Review Outside Changes');
  await workbench.page.locator('.monaco-diff-editor').waitFor();
  await picks().filter({ hasText: 'Decide later' }).waitFor();
  await workbench.screenshot('control-change');
  await workbench.page.keyboard.press('Enter');
  await row('Changed Outside').waitFor();
  await row('accept or restore').click();
  await workbench.pick('Restore what was accepted');
  await told('config.json is as it was accepted').waitFor();
  expect(readFileSync(record('config.json'), 'utf8')).toContain('"max_concurrent_runs": 3');
  await row('Changed Outside').waitFor({ state: 'detached' });
});

test('the brake is pulled from the title, and everything says so', async () => {
  await header('Control Plane').hover();
  await header('Control Plane').locator('.action-label[aria-label^="Lock Down"]').click();
  await workbench.answer('an agent went wild');
  await row(/Lockdown\s*locked down/).waitFor();
  expect(await propose('Now')).toBe(503);
  await status(/locked down, so nothing new starts/).waitFor();
  await workbench.screenshot('control-locked');
});

/** In the width that there is, and in a narrow side bar. */
async function looked(name: string): Promise<void> {
  await row(/Lockdown\s*locked down/).waitFor();
  await workbench.screenshot(`control-${name}`);
  await workbench.page.setViewportSize({ width: 480, height: 800 });
  await row('Server').waitFor();
  await workbench.screenshot(`control-${name}-narrow`);
  await workbench.page.setViewportSize({ width: 1280, height: 800 });
}

test('it can be read in light, and in a narrow side bar', async () => {
  await workbench.run('Preferences: Toggle between Light/Dark Themes');
  await workbench.page.locator('.monaco-workbench.vs').waitFor();
  await looked('light');
});

test('the lockdown ends at a word, and not by Enter', async () => {
  await status(/locked down/).click();
  await picks().filter({ hasText: 'Resolve Lockdown' }).waitFor();
  await workbench.screenshot('control-menu');
  await workbench.pick('Resolve Lockdown');
  await picks().filter({ hasText: 'No, stay locked down' }).waitFor();
  await workbench.screenshot('control-resolve');
  await workbench.page.keyboard.press('Enter');
  expect(await propose('Still')).toBe(503);
  await row(/Lockdown\s*locked down/).click();
  await workbench.pick('Yes, end the lockdown');
  await row('not locked down').waitFor();
  await status(/listens on port \d+(?!.*locked)/).waitFor();
});

test('the configuration is a list of questions', async () => {
  await row('Commands').click();
  await picks().filter({ hasText: 'Allow a Program' }).waitFor();
  await workbench.page.keyboard.press('Escape');
  await workbench.run('GIMO: Edit Configuration');
  await picks().filter({ hasText: 'Who may approve' }).waitFor();
  await workbench.screenshot('control-configuration');
  await workbench.pick('A run may take');
  await workbench.answer('0');
  await workbench.page
    .locator('.quick-input-message', { hasText: 'A whole number from 1' })
    .waitFor();
  await workbench.answer('90');
  await told('A run may take: 90 seconds').waitFor();
});

test('the audit log opens from its row, and is verified', async () => {
  await row('Audit Log').click();
  await workbench.page
    .locator('.monaco-editor .view-line', { hasText: 'setConfig' })
    .first()
    .waitFor();
  await act(row('Audit Log'), 'Verify Audit Log');
  await workbench.toast(/The audit log is whole/).waitFor();
  await row(/Audit Log.*whole/).waitFor();
  await workbench.screenshot('control-audit');
});

test('the audit log follows also what changes nothing', async () => {
  const opened = workbench.page.locator('.monaco-editor .view-line', { hasText: 'openRepo' });
  expect(await opened.count()).toBe(0);
  const where = `${url}/ui/repos/open?path=${encodeURIComponent(folder)}`;
  const { status } = await fetch(where, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(status).toBe(200);
  await opened.first().waitFor();
});

test('a record that cannot be read is set aside, and has a row that says why', async () => {
  writeFileSync(record('drafts', 'd_1790000000000_aaaaaa.json'), '{ "id": oops');
  await propose('Say what the totals are');
  await row('Quarantined').waitFor();
  await row('d_1790000000000_aaaaaa.json').waitFor();
  await workbench.screenshot('control-quarantined');
});

test('the command line is allowed and revoked from its row', async () => {
  await row('Command Line').click();
  await workbench.pick('Yes, allow the command line');
  await row(/Command Line.*allowed/).waitFor();
  await row('Command Line').click();
  await picks().filter({ hasText: 'Yes, revoke it' }).waitFor();
  await workbench.screenshot('control-command-line');
  await workbench.pick('Yes, revoke it');
  await row(/Command Line.*not allowed/).waitFor();
});

test('the walkthrough shows its four steps, each with its picture', async () => {
  // The picture has its place only where there is room for it.
  await workbench.run('View: Toggle Primary Side Bar Visibility');
  await workbench.run('Welcome: Open Walkthrough');
  await workbench.pick('Get Started with GIMO');
  const steps = workbench.page.locator('.gettingStartedContainer .getting-started-step');
  await steps.first().waitFor();
  expect(await steps.count()).toBe(4);
  for (const [index, name] of ['start', 'model', 'draft', 'review'].entries()) {
    await steps.nth(index).click();
    await workbench.page
      .frameLocator('iframe.webview.ready')
      .last()
      .frameLocator('iframe#active-frame')
      .locator('svg text')
      .first()
      .waitFor();
    await workbench.screenshot(`control-walkthrough-${name}`);
  }
});
