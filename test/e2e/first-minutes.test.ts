import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type PanelPage, panelOf } from './panelPage.ts';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * The first five minutes of somebody who has read nothing: only what the walkthrough itself offers is pressed, from an
 * empty profile to a run that is done. In order: each test goes on where the one before it ended.
 */

let workbench: Workbench;
let panel: PanelPage;
let folder: string;

const prompt = 'Explain how the tests are started';

beforeAll(async () => {
  folder = mkdtempSync(path.join(inject('scratch'), 'first-minutes-'));
  writeFileSync(path.join(folder, 'README.md'), '# Tests\n\nStart the tests with `npm test`.\n');
  workbench = await launchWorkbench('first-minutes');
  panel = panelOf(workbench);
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(folder);
});

afterAll(async () => {
  await workbench?.screenshot('first-minutes-last');
  await workbench?.close();
});

const step = (title: string) =>
  workbench.page.locator('.getting-started-step').filter({ hasText: title });
const isDone = (title: string) => step(title).locator('.codicon-getting-started-step-checked');
/** Opens a step and presses its button, once the step has the focus that it takes when it opens. */
async function press(title: string, button: string): Promise<void> {
  if (!(await step(title).and(workbench.page.locator('.expanded')).isVisible()))
    await step(title).click();
  await step(title).and(workbench.page.locator(':focus')).waitFor();
  await step(title).locator('.button-container').getByText(button, { exact: true }).click();
}
const row = (view: string, text: RegExp) => workbench.rows(view).filter({ hasText: text });
const count = (kind: string) =>
  readdirSync(path.join(folder, '.orch_data/ops', kind)).filter((name) => name.endsWith('.json'))
    .length;

test('the server that started by itself is ticked off already, and a press on its button says so', async () => {
  await workbench.run('Welcome: Open Walkthrough');
  await workbench.pick('Get Started with GIMO');
  await isDone('Start the server').waitFor();
  await press('Start the server', 'Start Server');
  await workbench.page.getByText('The server runs already.').waitFor();
  await workbench.screenshot('first-minutes-start');
});

test('a model is chosen', async () => {
  await press('Choose a model', 'Choose Provider');
  await workbench.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await workbench.screenshot('first-minutes-model');
  await workbench.pick('offline');
  await isDone('Choose a model').waitFor();
});

test('a sentence becomes a draft that waits', async () => {
  await press('Generate a draft', 'Generate Draft');
  await workbench.screenshot('first-minutes-prompt');
  await workbench.answer(prompt);
  await isDone('Generate a draft').waitFor();
  await workbench.screenshot('first-minutes-draft');
});

test('the draft is read, approved and run', async () => {
  await press('Review and approve', 'Open Review Panel');
  await workbench.pick(prompt);
  await panel.title.filter({ hasText: prompt }).waitFor();
  await workbench.screenshot('first-minutes-review');
  await panel.action('Approve & Run').click();
  await panel.frame.locator('.badge').filter({ hasText: 'Done' }).waitFor();
  await workbench.screenshot('first-minutes-run');
  expect([count('drafts'), count('approved'), count('runs')]).toEqual([1, 1, 1]);
});

test('the walkthrough is done, and the views show what came of it', async () => {
  await workbench.page.locator('.tab').filter({ hasText: 'Welcome' }).click();
  await isDone('Review and approve').waitFor();
  await workbench.screenshot('first-minutes-done');
  await workbench.openContainer('GIMO');
  await row('Runs', /Explain how.*done/).waitFor();
});
