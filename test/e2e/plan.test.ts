import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * A person's way through the plan, in order: each test goes on where the one before it ended.
 */

let workbench: Workbench;
let folder: string;
let token: string;
let url: string;

const task = (id: string, title: string, depends: string[] = []) => ({
  ...{ id, title, depends, scope: 'src/totals.ts', description: `${title}, and say how.` },
});
const planOf = (tasks: object[], more: object = {}) => ({
  ...{ id: 'rounding', title: 'Round invoices', workspace: '.', created: '2026-01-01' },
  ...{ objective: 'Every total is exact to the cent', tasks },
  ...{ constraints: ['No new packages', 'Public functions keep their names'], ...more },
});
const tasks = [
  task('tests', 'Test the rounding of totals', ['cents', 'tax']),
  task('cents', 'Count in whole cents'),
  task('tax', 'Round the tax once an invoice', ['cents']),
];

beforeAll(async () => {
  folder = mkdtempSync(path.join(inject('scratch'), 'plan-'));
  write('proposal.json', planOf(tasks));
  workbench = await launchWorkbench('plan');
  workbench.settings({
    'workbench.colorTheme': 'Default Dark Modern',
    // What the editor does not watch is seen all the same.
    'files.watcherExclude': { '**/.orch_data/**': true },
  });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await welcome('There is no plan yet').waitFor();
  await workbench.screenshot('plan-empty');
  // Room for the rows that are looked at: only those in sight are there.
  for (const other of ['Approved', 'Runs'])
    await workbench.page.locator('.pane-header').filter({ hasText: other }).click();
});

afterAll(async () => {
  await workbench?.screenshot('plan-last');
  await workbench?.close();
});

const write = (name: string, value: unknown) =>
  writeFileSync(path.join(folder, name), JSON.stringify(value, null, 2));
const welcome = (text: string) =>
  workbench.page.locator('.pane-body .welcome-view-content').filter({ hasText: text });
const row = (text: string | RegExp) => workbench.rows('Plan').filter({ hasText: text });
const picks = () => workbench.page.locator('.quick-input-list .monaco-list-row');
const told = (text: string) =>
  workbench.page.locator('.statusbar-item').filter({ hasText: text }).first();

async function send(method: string, at: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${url}${at}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
  return answer.json();
}

const Made = z.object({
  ...{ id: z.string(), status: z.string(), digest: z.string().nullable(), prompt: z.string() },
  plan_task_id: z.string().nullable(),
});
const draftsNow = async () => z.array(Made).parse(await send('GET', '/ops/drafts'));

/** Clicks an action that a row shows under the pointer. */
async function act(on: Locator, label: string): Promise<void> {
  await on.hover();
  await on.locator(`.actions .action-label[aria-label^="${label}"]`).click();
}

/** Opens a file of the folder in an editor. */
async function edit(name: string): Promise<void> {
  await workbench.page.keyboard.press('Control+P');
  const input = workbench.page.locator('.quick-input-widget input[type="text"]').first();
  await input.fill(name);
  await picks().filter({ hasText: name }).first().waitFor();
  await workbench.page.keyboard.press('Enter');
  await workbench.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
}

const panel = () =>
  workbench.page
    .frameLocator('iframe.webview.ready:visible')
    .last()
    .frameLocator('iframe#active-frame');

test('with no plan and no editor, the commands say what to do', async () => {
  await workbench.run('GIMO: Draft This Task');
  await workbench.toast(/There is no plan yet/).waitFor();
  await workbench.run('GIMO: Set Plan from Active Editor');
  await workbench.toast(/No text is open/).waitFor();
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const copied = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(copied)?.[0] ?? '';
  token = await workbench.clipboard();
});

test('text that is no plan is told with the place', async () => {
  write('odd.json', planOf([task('a', 'A', ['z'])]));
  await edit('odd.json');
  await workbench.run('GIMO: Set Plan from Active Editor');
  await workbench.toast(/tasks\[0\]\.depends\[0\]: the plan has no task "z"/).waitFor();
});

test('a plan is set from the editor, and shows in the order in which it can be done', async () => {
  await edit('proposal.json');
  await workbench.run('GIMO: Set Plan from Active Editor');
  await told('The plan is set: 3 tasks').waitFor();
  await row(/Test the rounding.*after cents, tax/).waitFor();
  const order = await workbench.rows('Plan').allTextContents();
  expect(order.map((text) => /· (cents|tax|tests)$/.exec(text.trim())?.[1])).toEqual([
    ...[undefined, 'cents', 'tax', 'tests'],
  ]);
  await row(/Round invoices.*Every total is exact/).click();
  await row('No new packages').waitFor();
  await workbench.screenshot('plan-dark');
});

test('a plan is replaced only with a yes, and Enter says no', async () => {
  await edit('proposal.json');
  await workbench.run('GIMO: Set Plan from Active Editor');
  await picks().filter({ hasText: 'All tasks stay' }).waitFor();
  await workbench.screenshot('plan-replace');
  await workbench.page.keyboard.press('Enter');
  await picks().first().waitFor({ state: 'hidden' });
  await workbench.run('GIMO: Set Plan from Active Editor');
  await workbench.pick('Yes, replace it');
  await told('The plan is replaced: 3 tasks').waitFor();
});

test('a task becomes a draft, opened for review, and its row says so', async () => {
  await act(row('Count in whole cents'), 'Draft This Task');
  await picks().filter({ hasText: 'Let the model draft it' }).waitFor();
  await workbench.screenshot('plan-how');
  await workbench.pick('New draft from this task');
  await panel().locator('h1').filter({ hasText: 'Count in whole cents' }).waitFor();
  await row(/Count in whole cents.*draft waits/).waitFor();
  expect(await draftsNow()).toMatchObject([
    {
      plan_task_id: 'cents',
      prompt: expect.stringMatching(/Scope: src\/totals.ts[\s\S]*- No new packages/),
    },
  ]);
  await workbench.screenshot('plan-draft');
});

test('a task whose draft waits opens that one', async () => {
  await workbench.run('GIMO: Draft This Task');
  await workbench.pick('Count in whole cents');
  await told('waits already').waitFor();
  expect(await draftsNow()).toHaveLength(1);
});

test('a task follows its run, and what comes after it is ready', async () => {
  const [draft] = await draftsNow();
  await send('POST', `/ops/drafts/${draft?.id}/approve`, {
    ...{ digest: draft?.digest, auto_run: true },
  });
  await row(/Count in whole cents.*done/).waitFor();
  await row(/Round the tax.*ready/).waitFor();
  await workbench.page
    .locator('.pane-header')
    .filter({ hasText: /Plan.*1 of 3 done/ })
    .waitFor();
});

test('the model drafts a task, with a note on what is not done before it', async () => {
  // Away from where the list opens, or the tooltip of one row covers the next.
  await workbench.page.mouse.move(1000, 700);
  await workbench.run('GIMO: Draft This Task');
  await workbench.pick('Test the rounding of totals');
  await workbench.page
    .locator('.quick-input-widget input[placeholder*="it comes after tax"]')
    .waitFor();
  await workbench.pick('Let the model draft it');
  await workbench.toast(/A draft waits for you/).waitFor();
  await row(/Test the rounding.*draft waits · after tax/).waitFor();
});

test('the plan can be looked at in light', async () => {
  await workbench.run('Preferences: Toggle between Light/Dark Themes');
  await workbench.page.locator('.monaco-workbench.vs').waitFor();
  await row(/Test the rounding.*draft waits/).waitFor();
  await workbench.screenshot('plan-light');
});

test('10,000 tasks come in pages', async () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({
    ...{ id: `t${n}`, title: `T ${n}`, scope: '', description: '' },
  }));
  await send('PUT', '/ops/plan', planOf(many, { constraints: [] }));
  await row('T 0').click();
  await workbench.page.keyboard.press('End');
  await row('Show more').click();
  await row('T 100').waitFor();
  await workbench.page.keyboard.press('End');
  await row('T 199').waitFor();
});

test('a file that is no plan is told apart from none: a click opens it, and mended it shows', async () => {
  const file = path.join(folder, '.orch_data/ops/plan.json');
  writeFileSync(file, '{ "id": oops');
  await row(/plan\.json cannot be read/).click();
  await workbench.page.locator('.tab.active[data-resource-name="plan.json"]').waitFor();
  expect(await row('plan.json').getAttribute('aria-label')).toContain('it is not JSON');
  await workbench.screenshot('plan-broken');
  await workbench.page.locator('.tab[data-resource-name="proposal.json"]').click();
  await workbench.page.locator('.tab.active[data-resource-name="proposal.json"]').waitFor();
  await workbench.run('GIMO: Set Plan from Active Editor');
  await picks().filter({ hasText: 'What the file says now is lost' }).waitFor();
  await workbench.page.keyboard.press('Escape');
  writeFileSync(file, JSON.stringify(planOf(tasks)));
  await row('Count in whole cents').waitFor();
  rmSync(file);
  await welcome('There is no plan yet').waitFor();
});

test('a stopped server says that the plan is kept', async () => {
  await workbench.run('GIMO: Stop Server');
  await welcome('The plan is kept').waitFor();
  await workbench.screenshot('plan-stopped');
});
