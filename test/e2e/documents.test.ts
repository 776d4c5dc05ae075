import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Draft } from '../../src/contract/operations.ts';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * A person reads and edits a draft in normal editors, in order: each test goes on where the one before it ended.
 */

let workbench: Workbench;
let remote: Client;
let draft: Draft;

const prompt = 'Explain how the tests are started';
const content = '# Tests\n\nThey start with `npm test`.\n';

beforeAll(async () => {
  workbench = await launchWorkbench('documents');
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(mkdtempSync(path.join(inject('scratch'), 'documents-')));
  await workbench.openContainer('GIMO');
  await workbench.page.locator('.welcome-view-content').getByText('Nothing waits').waitFor();
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(told) ?? [];
  remote = createClient(httpTransport(url, await workbench.clipboard()));
  draft = await remote.call('createDraft', { prompt, content });
});

afterAll(async () => {
  await workbench?.screenshot('documents-last');
  await workbench?.close();
});

const tab = (text: string) => workbench.page.locator('.tabs-container .tab', { hasText: text });
const current = () => remote.call('getDraft', { draft_id: draft.id });
/** The label of the list that has the focus; another word if something else has it. */
const focused = () =>
  workbench.page
    .evaluate(
      "document.activeElement.closest('.monaco-list')?.getAttribute('aria-label') ?? document.activeElement.className",
    )
    .then(String);

test('a diff opens beside what the person does, and leaves the focus there', async () => {
  const group = workbench.rows('Drafts').filter({ hasText: 'Waiting' }).first();
  await group.click();
  expect(await focused()).toBe('Drafts');
  await workbench.run('GIMO: Open Draft Diff');
  await workbench.pick(prompt);
  await tab('(content): nothing ↔ now').waitFor();
  await workbench.page
    .locator('.monaco-diff-editor .view-line')
    .filter({ hasText: 'npm test' })
    .first()
    .waitFor();
  expect(await focused()).toBe('Drafts');
  await group.click();
  await workbench.screenshot('documents-diff');
});

test('a draft is edited as a file, and saving changes the draft', async () => {
  await workbench.run('GIMO: Edit Draft');
  await workbench.pick(prompt);
  await workbench.pick('Content');
  await tab('content.md').waitFor();
  const heading = workbench.page.locator('.monaco-editor .view-line').filter({ hasText: 'Tests' });
  await heading.first().click();
  await workbench.page.keyboard.press('Control+End');
  await workbench.page.keyboard.type('Then look at the report.');
  await workbench.page.locator('.tab.active.dirty').waitFor();
  await workbench.screenshot('documents-edit');
  await workbench.page.keyboard.press('Control+S');
  await workbench.page.locator('.tab.active:not(.dirty)').waitFor();
  expect((await current()).content).toBe(`${content}Then look at the report.`);
});

test('a conflict is told, shown, and overwrites nothing', async () => {
  await workbench.page.keyboard.type(' Mine.');
  await workbench.page.locator('.tab.active.dirty').waitFor();
  await remote.call('editDraft', { draft_id: draft.id, content: `${content}Theirs.` });
  await workbench.page.keyboard.press('Control+S');
  await workbench.toast(/content\.md: The draft has changed/).waitFor();
  await workbench.screenshot('documents-conflict');
  expect((await current()).content).toBe(`${content}Theirs.`);
  await workbench.page
    .locator('.notifications-toasts .monaco-button')
    .filter({ hasText: 'Compare' })
    .first()
    .click();
  await tab('↔ your text').waitFor();
  const lines = workbench.page.locator('.monaco-diff-editor .view-line');
  await lines.filter({ hasText: 'Theirs.' }).first().waitFor();
  await lines.filter({ hasText: 'Mine.' }).first().waitFor();
  await workbench.screenshot('documents-compare');
});

test('what a person has compared, they can save', async () => {
  const mine = workbench.page.locator('.monaco-diff-editor .modified .view-line');
  await mine.filter({ hasText: 'Mine.' }).first().click();
  await workbench.page.keyboard.press('Control+S');
  await workbench.page.locator('.tab.active:not(.dirty)').waitFor();
  expect((await current()).content).toBe(`${content}Then look at the report. Mine.`);
});

test('an editor of the last session waits for the server, and saves again', async () => {
  // Unlike a load of the page, this lets the editor write down which tabs are open.
  const reloaded = workbench.page.waitForEvent('framenavigated');
  await workbench.run('Developer: Reload Window');
  await reloaded;
  // What is typed before GIMO is there has no version that it could be known to be made from.
  await workbench.rows('Drafts').filter({ hasText: prompt }).waitFor();
  const line = workbench.page.locator('.editor-instance .view-line').filter({ hasText: 'Mine.' });
  await line.first().click();
  await workbench.page.keyboard.press('Control+End');
  await workbench.page.keyboard.type(' Again.');
  await workbench.page.locator('.tab.active.dirty').waitFor();
  await workbench.screenshot('documents-reload');
  await workbench.page.keyboard.press('Control+S');
  await workbench.page.locator('.tab.active:not(.dirty)').waitFor();
  expect((await current()).content).toBe(`${content}Then look at the report. Mine. Again.`);
});
