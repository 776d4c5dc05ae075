import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { behave, type ModelServer, startModelServer } from '../fixtures/model-server.ts';
import { panelOf } from './panelPage.ts';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * A person's way through the three trees and the commands behind them, in order: each test goes on where the one before
 * it ended.
 */

let workbench: Workbench;
let models: ModelServer;
let folder: string;
let token: string;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(inject('scratch'), 'trees-'));
  writeFileSync(path.join(folder, 'README.md'), '# Tests\n\nStart the tests with `npm test`.\n');
  models = await startModelServer();
  workbench = await launchWorkbench('trees');
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await welcome('Nothing waits').waitFor();
});

afterAll(async () => {
  await workbench?.screenshot('trees-last');
  await workbench?.close();
  await models?.close();
});

const Made = z.object({ id: z.string(), status: z.string(), digest: z.string().nullable() });

async function send(method: string, at: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${url}${at}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
  return answer.json();
}

const draftsNow = async () => z.array(Made).parse(await send('GET', '/ops/drafts'));
const propose = async (prompt: string) => Made.parse(await send('POST', '/ops/drafts', { prompt }));
const welcome = (text: string) =>
  workbench.page.locator('.pane-body .welcome-view-content').filter({ hasText: text });
const row = (view: string, text: string | RegExp) => workbench.rows(view).filter({ hasText: text });
const status = () => workbench.page.locator('.statusbar-item[id$="gimo.status"]');
const picks = () => workbench.page.locator('.quick-input-list .monaco-list-row');

/** Clicks an action that a row shows under the pointer. */
async function act(on: Locator, label: string): Promise<void> {
  await on.hover();
  await on.locator(`.actions .action-label[aria-label^="${label}"]`).click();
}

test('every view says what it is for while it is empty', async () => {
  await welcome('Nothing is approved yet').waitFor();
  await welcome('Nothing has run yet').waitFor();
  await workbench.screenshot('trees-empty');
});

test('with nothing to act on, commands say so', async () => {
  await workbench.run('GIMO: Approve Draft');
  await workbench.toast(/No draft waits for a decision/).waitFor();
  await workbench.run('GIMO: Run Approved Artifact');
  await workbench.toast(/Nothing is approved yet/).waitFor();
  await workbench.run('GIMO: Cancel Run');
  await workbench.toast(/No run is under way/).waitFor();
});

test('the status bar tells the port, and its menu leads on', async () => {
  await status().click();
  await picks().filter({ hasText: 'Choose Provider' }).waitFor();
  await workbench.screenshot('trees-menu');
  await workbench.pick('Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0] ?? '';
  token = await workbench.clipboard();
  expect(await status().textContent()).toContain(new URL(url).port);
});

test('a draft is generated from the palette, and waits', async () => {
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer('Explain how the tests are started');
  await row('Drafts', /Explain how.*offline.*waiting/).waitFor();
  await workbench.toast(/A draft waits for you/).waitFor();
  await status().locator('.codicon-bell-dot').waitFor();
});

test('what was not read in this window opens in its panel, and stays undecided', async () => {
  await workbench.run('GIMO: Approve and Run Draft');
  await workbench.pick('Explain how the tests are started');
  await workbench.page.locator('iframe.webview.ready').first().waitFor();
  expect((await draftsNow())[0]?.status).toBe('draft');
});

test('what was read is asked for once more, and Enter says no', async () => {
  const frame = workbench.page
    .frameLocator('iframe.webview.ready:visible')
    .last()
    .frameLocator('iframe#active-frame');
  await frame.locator('h1').filter({ hasText: 'Explain how' }).waitFor();
  await frame
    .locator('.bar')
    .getByRole('button', { name: /^Approve/ })
    .first()
    .waitFor();
  const [draft] = await draftsNow();
  await act(row('Drafts', 'Explain how'), 'Approve Draft');
  await picks()
    .filter({ hasText: draft?.digest?.slice(0, 12) ?? 'no digest' })
    .waitFor();
  await workbench.screenshot('trees-confirm');
  await workbench.page.keyboard.press('Enter');
  await picks().first().waitFor({ state: 'hidden' });
  expect((await draftsNow())[0]?.status).toBe('draft');
  await act(row('Drafts', 'Explain how'), 'Approve Draft');
  await workbench.pick('Yes, approve it');
  await row('Approved', /Explain how.*runnable/).waitFor();
  await row('Drafts', 'Settled').waitFor();
});

test('an approval over HTTP moves the row', async () => {
  const { id, digest } = await propose('Count the files');
  await row('Drafts', /Count the files.*waiting/).waitFor();
  await send('POST', `/ops/drafts/${id}/approve`, { digest });
  await row('Drafts', /Count the files.*approved/).waitFor();
  await row('Approved', /Count the files.*runnable/).waitFor();
});

test('an artifact runs from its row, and the run expands into its steps', async () => {
  await act(row('Approved', 'Count the files'), 'Run Approved Artifact');
  const run = row('Runs', /Count the files.*done in/);
  await run.waitFor();
  await run.locator('.monaco-tl-twistie').click();
  await row('Runs', /1\. Ask the model.*done.*prompt/).waitFor();
  await workbench.screenshot('trees-dark');
});

test('a run shows its log', async () => {
  await act(row('Runs', 'Count the files'), 'Show Run Log');
  await workbench.page
    .locator('.view-lines .view-line')
    .filter({ hasText: 'Execution completed' })
    .waitFor();
});

test('another model is chosen, with an address and no key', async () => {
  await workbench.run('GIMO: Choose Provider');
  await workbench.pick('Another OpenAI-compatible address');
  await workbench.answer('localhost:1');
  await workbench.page.locator('.quick-input-message').getByText('must start with').waitFor();
  await workbench.answer(models.url);
  await workbench.page.locator('.quick-input-message').getByText('called here').waitFor();
  await workbench.answer('slow');
  await workbench.page.locator('.quick-input-message').getByText('Which model').waitFor();
  await workbench.answer('test-model');
  const sent = new URL(models.url).origin;
  await workbench.page.locator('.quick-input-message').getByText(`sent to ${sent}`).waitFor();
  await workbench.screenshot('trees-key');
  await workbench.answer('');
  await workbench.toast(/The provider is now slow/).waitFor();
  // What was approved for the other provider still names it, and runs with it.
  await row('Approved', /Count the files.*runnable.*offline/).waitFor();
});

test('a run that is under way turns, is followed in its log, and is cancelled from its row', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  try {
    models.script(behave.slow(gate, 'One two three.'));
    const { id, digest } = await propose('Say something slowly');
    await send('POST', `/ops/drafts/${id}/approve`, { digest, auto_run: true });
    const run = row('Runs', /Say something slowly.*running/);
    await run.locator('.codicon-modifier-spin').waitFor();
    await workbench.screenshot('trees-running');
    await act(run, 'Show Run Log');
    const line = workbench.page.locator('.view-lines .view-line');
    await line.filter({ hasText: 'Provider: slow' }).waitFor();
    await act(run, 'Cancel Run');
    await row('Runs', /Say something slowly.*cancelled/).waitFor();
    await line.filter({ hasText: 'Run cancelled' }).waitFor();
  } finally {
    release();
  }
});

test('a provider that fails is told, and leaves a draft to read and to generate again', async () => {
  models.script(behave.status(400, 'Too much to ask.'));
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer('Ask for too much');
  await workbench.pick('Text');
  await workbench.toast(/The provider gave no proposal/).waitFor();
  await row('Drafts', /Ask for too much.*error/).click();
  const { frame } = panelOf(workbench);
  await frame.getByText('No proposal came').waitFor();
  expect(await frame.getByText('One step: a model is asked').count()).toBe(0);
  await frame.getByRole('button', { name: 'Generate Again' }).click();
  const asked = workbench.page.locator('.quick-input-widget input[type="text"]');
  await expect.poll(() => asked.inputValue()).toBe('Ask for too much');
  await workbench.page.keyboard.press('Escape');
});

test('a draft is rejected with a reason', async () => {
  await send('PUT', '/ops/config', { require_reason_on_reject: true });
  await propose('Delete everything');
  await act(row('Drafts', 'Delete everything'), 'Reject Draft');
  await workbench.page.locator('.quick-input-message').getByText('asks for a reason').waitFor();
  await workbench.answer('');
  await workbench.page.locator('.quick-input-message').getByText('Say in a few words').waitFor();
  await workbench.answer('Too much at once');
  await row('Drafts', /Delete everything.*rejected/).waitFor();
});

test('the key of a provider is asked for, and told where it goes', async () => {
  await workbench.run('GIMO: Set Provider Key');
  await workbench.pick('slow');
  const box = workbench.page.locator('.quick-input-widget input[type="password"]');
  await box.waitFor();
  const sent = new URL(models.url).origin;
  await workbench.page.locator('.quick-input-message').getByText(`sent to ${sent} only`).waitFor();
  await box.fill('key-of-the-test');
  await workbench.page.keyboard.press('Enter');
  await workbench.page.getByText('The key of slow is set').waitFor();
  models.script(behave.words('Done.'));
  await workbench.run('GIMO: Generate Draft');
  await workbench.answer('Use the key');
  await workbench.pick('Text');
  await row('Drafts', /Use the key.*waiting/).waitFor();
  expect(models.requests.at(-1)?.headers.authorization).toBe('Bearer key-of-the-test');
});

test('a narrow side bar still tells the state by its icons', async () => {
  const sash = workbench.page.locator('.monaco-sash.vertical').nth(1);
  const box = await workbench.page.locator('.part.sidebar').boundingBox();
  if (box === null) throw new Error('There is no side bar.');
  await sash.waitFor({ state: 'attached' });
  await workbench.page.mouse.move(box.x + box.width, 300);
  await workbench.page.mouse.down();
  await workbench.page.mouse.move(box.x + 180, 300, { steps: 5 });
  await workbench.page.mouse.up();
  await row('Runs', /Say something slowly/)
    .locator('.codicon-circle-slash')
    .waitFor();
  await workbench.screenshot('trees-narrow');
});

test('Approve Again makes a new draft of what was approved, and opens it for review', async () => {
  await workbench.run('GIMO: Approve Again');
  await workbench.pick('Count the files');
  await row('Drafts', /Count the files.*waiting/)
    .first()
    .waitFor();
  await panelOf(workbench).title.filter({ hasText: 'Count the files' }).waitFor();
  const again = (await draftsNow()).filter(({ status }) => status === 'draft');
  expect(again).toHaveLength(2);
});
