import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPanelBench, type PanelBench } from './panelPage.ts';

/*
 * Work that changes files, as a person sees it: what a draft would write, the run that waits at a gate, and its undo.
 * In order: each test goes on where the one before it ended.
 */

let bench: PanelBench;

const before = 'export const rate = 1;\n';
const after = 'export const rate = 2;\n';

beforeAll(async () => {
  bench = await openPanelBench('runs', { 'src/a.ts': before, 'src/b.ts': before });
});

afterAll(async () => {
  await bench?.workbench.screenshot('runs-last');
  await bench?.workbench.close();
});

const git = realpathSync(execFileSync('which', ['git'], { encoding: 'utf8' }).trim());
const words = ['-c', 'user.name=Somebody with quite a long name', '-c', 'core.abbrev=12'];

const row = (view: string, text: string | RegExp) =>
  bench.workbench.rows(view).filter({ hasText: text });
const tabs = () => bench.workbench.page.locator('.tabs-container .tab');
const picks = () => bench.workbench.page.locator('.quick-input-list .monaco-list-row');
const file = (name: string) => readFileSync(path.join(bench.folder, name), 'utf8');
const change = (at: string, text: string | null) => ({ path: at, text });
/** The label of the list that has the focus; another word if something else has it, and none if nothing has. */
const focused = () =>
  bench.workbench.page
    .evaluate(
      "document.activeElement.closest('.monaco-list')?.getAttribute('aria-label') ?? document.activeElement.className",
    )
    .then(String);

/** Clicks an action that a row shows under the pointer. */
async function act(on: Locator, label: string): Promise<void> {
  await on.hover();
  await on.locator(`.actions .action-label[aria-label^="${label}"]`).click();
}

test('what a draft would write opens beside the file that is there, a tab for each of a few', async () => {
  const changes = [change('src/a.ts', after), change('src/b.ts', null), change('c.ts', 'new\n')];
  await bench.propose({ prompt: 'Three files', steps: [{ id: 'e', kind: 'edit', changes }] });
  await act(row('Drafts', 'Three files'), 'Open Draft Diff');
  await tabs().filter({ hasText: 'c.ts (new): nothing ↔ draft' }).waitFor();
  expect(await tabs().count()).toBe(3);
  expect(await focused()).toBe('');
  await bench.workbench.screenshot('runs-diff-new');
  await tabs().filter({ hasText: 'src/a.ts' }).click();
  await bench.workbench.page
    .locator('.monaco-diff-editor .modified .view-line')
    .filter({ hasText: 'rate = 2' })
    .first()
    .waitFor();
  await bench.workbench.screenshot('runs-diff-three');
});

test('many files open in one tab, and the focus is back where it was', async () => {
  const changes = Array.from({ length: 30 }, (_, at) =>
    change(at === 0 ? 'src/a.ts' : `many/file-${at}.ts`, after),
  );
  await bench.propose({ prompt: 'Thirty files', steps: [{ id: 'e', kind: 'edit', changes }] });
  const opened = await tabs().count();
  await act(row('Drafts', 'Thirty files'), 'Open Draft Diff');
  await tabs().filter({ hasText: 'Thirty files: workspace ↔ draft' }).waitFor();
  expect(await tabs().count()).toBeLessThanOrEqual(opened + 1);
  await bench.workbench.page
    .locator('.multiDiffEntry .view-line')
    .filter({ hasText: 'rate = 2' })
    .first()
    .waitFor();
  await expect.poll(focused, { timeout: 30_000 }).toBe('Drafts');
  await bench.workbench.screenshot('runs-diff-thirty');
});

test('a program is allowed by the person, so that a command can be approved', async () => {
  const allowed = [{ program: git, args_prefix: [] }];
  await bench.send('PUT', '/ops/config', { command_allowlist: allowed });
  const { workbench } = bench;
  await workbench.run('Notifications: Show Notifications');
  const asked = workbench.page
    .locator('.notifications-center .notification-list-item')
    .filter({ hasText: 'asks to change' })
    .first();
  await asked.hover();
  await asked.getByRole('button', { name: 'Review' }).click();
  await workbench.pick('Allow');
  await workbench.page.getByText('The configuration is changed, as you allowed.').waitFor();
  await workbench.run('Notifications: Clear All Notifications');
});

test('a run that comes to a gate waits, is counted, and names the gate', async () => {
  await bench.propose({
    prompt: 'Raise both rates',
    steps: [
      { id: 'first', kind: 'edit', title: 'Raise a', changes: [change('src/a.ts', after)] },
      { id: 'look', kind: 'gate', title: 'Look at a before b' },
      { id: 'second', kind: 'edit', changes: [change('src/b.ts', after), change('d.ts', 'x\n')] },
      { id: 'ask', kind: 'command', title: 'Ask git', argv: [git, ...words, '--version'] },
    ],
  });
  await bench.review('Raise both rates');
  await bench.panel.action('Approve & Run').click();
  const run = row('Runs', /Raise both rates.*waits: Look at a before b/);
  await run.waitFor();
  expect(file('src/a.ts')).toBe(after);
  expect(file('src/b.ts')).toBe(before);
  await run.locator('.monaco-tl-twistie').click();
  await row('Runs', /1\. Raise a.*done in.*1 file.*change files/).waitFor();
  await row('Runs', /2\. Look at a before b.*waits for you/).waitFor();
  await row('Approved', /Raise both rates.*spent/).waitFor();
  const status = bench.workbench.page.locator('.statusbar-item[id$="gimo.status"]');
  await status.filter({ hasText: '3' }).waitFor();
  await bench.workbench.screenshot('runs-gate');
});

test('Resume Run says what comes next, and Enter says no', async () => {
  const run = row('Runs', /Raise both rates.*waits/);
  await act(run, 'Resume Run');
  await picks().filter({ hasText: 'src/b.ts' }).waitFor();
  await picks().filter({ hasText: 'd.ts' }).waitFor();
  // The whole command line, over as many rows as it takes.
  await picks().filter({ hasText: '"user.name=Somebody with quite a long name"' }).waitFor();
  await picks().filter({ hasText: '--version' }).waitFor();
  // It fades in.
  await bench.workbench.page.locator('.quick-input-widget').hover();
  await bench.workbench.screenshot('runs-resume');
  await bench.workbench.page.keyboard.press('Enter');
  await picks().first().waitFor({ state: 'hidden' });
  await run.waitFor();
  expect(file('src/b.ts')).toBe(before);
  await act(run, 'Resume Run');
  await bench.workbench.pick('Yes, go on');
  await row('Runs', /Raise both rates.*done in/).waitFor();
  expect(file('src/b.ts')).toBe(after);
  // A run that moves to another group is closed there.
  await row('Runs', /Raise both rates.*done in/)
    .locator('.monaco-tl-twistie')
    .click();
  await row('Runs', /4\. Ask git.*done in.*exit 0.*run a command/).waitFor();
});

test('Undo Run puts the files back, and tells which it left alone, and why', async () => {
  writeFileSync(path.join(bench.folder, 'd.ts'), 'mine\n');
  await act(row('Runs', /Raise both rates.*done in/), 'Undo Run');
  await picks().filter({ hasText: 'd.ts' }).waitFor();
  await bench.workbench.screenshot('runs-undo');
  await bench.workbench.pick('Yes, put them back');
  await bench.workbench
    .toast(/2 files are as before the run\. 1 file was left alone: d\.ts/)
    .waitFor();
  await bench.workbench.screenshot('runs-undone');
  expect([file('src/a.ts'), file('src/b.ts'), file('d.ts')]).toEqual([before, before, 'mine\n']);
});

test('with nothing to act on, commands say so', async () => {
  await bench.workbench.run('GIMO: Pause Run');
  await bench.workbench.toast(/No run is under way that could be paused/).waitFor();
  await bench.workbench.run('GIMO: Resume Run');
  await bench.workbench.toast(/No run is paused/).waitFor();
});
