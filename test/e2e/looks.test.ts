import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyLook } from './looks.ts';
import { openPanelBench, type PanelBench } from './panelPage.ts';

/*
 * The panel in every theme and at every width, and all of a decision without a pointer. In order: each test goes on
 * where the one before it ended.
 */

let bench: PanelBench;
const row = (view: string, text: string | RegExp) =>
  bench.workbench.rows(view).filter({ hasText: text });
const press = (key: string) => bench.workbench.page.keyboard.press(key);

beforeAll(async () => {
  bench = await openPanelBench('looks', { 'src/rate.ts': 'export const rate = 1;\n' });
});

afterAll(async () => {
  bench?.workbench.machineSettings({});
  await bench?.workbench.screenshot('looks-last');
  await bench?.workbench.close();
});

const change = { path: 'src/rate.ts', text: 'export const rate = 2;\n' };
const steps = [
  { id: 'edit', kind: 'edit', title: 'Raise it', changes: [change] },
  { id: 'look', kind: 'gate', title: 'Look at the rate' },
  { id: 'ci', kind: 'edit', changes: [{ path: '.github/workflows/a.yml', text: 'on: push\n' }] },
];

/** Presses Tab in the panel until the button with this key has the focus. */
async function tabTo(key: string): Promise<void> {
  const focused = () => bench.panel.evaluate('document.activeElement?.dataset.key ?? null');
  for (let presses = 0; presses < 60; presses += 1) {
    if ((await focused()) === key) return;
    await press('Tab');
  }
  expect(await focused()).toBe(key);
}

test('a draft with warnings has no serious finding in any theme at any width', async () => {
  const { propose, review, panel, workbench } = bench;
  const content = 'As **said**.\n\n<!-- and more -->\n\n| a | b |\n|---|--:|\n| `c` | 1 |\n';
  await propose({ prompt: 'Raise the rate', content, steps });
  await propose({ prompt: 'Raise it by hand', steps });
  await review('Raise the rate');
  await panel.action('Approve').waitFor();
  await panel.frame.getByText('runs in continuous integration').first().waitFor();
  await everyLook(workbench, panel);
});

test('the keyboard alone opens a draft from the tree, says why it is rejected, and rejects it', async () => {
  const { workbench, panel } = bench;
  await workbench.run('View: Close All Editors');
  await workbench.focus('Drafts');
  await press('End');
  await row('Drafts', 'Raise').and(workbench.page.locator('.focused')).waitFor();
  await press('Enter');
  await panel.title.waitFor();
  await panel.action('Reject…').waitFor();
  await workbench.run('View: Focus Active Editor Group');
  await tabTo('reject');
  await press('Enter');
  await panel.frame.locator('.rejection').waitFor();
  await workbench.page.keyboard.type('Not by hand');
  await tabTo('reject-now');
  await press('Enter');
  await panel.frame.locator('.said').filter({ hasText: 'Not by hand' }).waitFor();
});

test('it approves, runs, and lets the run go on after its gate', async () => {
  const { workbench, panel } = bench;
  await workbench.run('GIMO: Open Review Panel');
  await workbench.page
    .locator('.quick-input-list .monaco-list-row.focused')
    .filter({ hasText: 'Raise' })
    .waitFor();
  await press('Enter');
  await panel.action('Approve & Run').waitFor();
  await tabTo('approve-run');
  await press('Enter');
  await panel.action('Continue').waitFor();
  await everyLook(workbench, panel, ['narrow']);
  await workbench.run('View: Focus Active Editor Group');
  await tabTo('resume');
  await press('Enter');
  await panel.frame.locator('.badge').filter({ hasText: 'Done' }).waitFor();
});

test('a failed run has no serious finding either', async () => {
  const { propose, review, panel, workbench } = bench;
  const base_sha256 = 'f'.repeat(64);
  const late = { id: 'late', kind: 'edit', changes: [{ ...change, base_sha256 }] };
  await propose({ prompt: 'Too late', steps: [late] });
  await review('Too late');
  await panel.action('Approve & Run').click();
  await panel.frame.locator('.badge').filter({ hasText: 'Failed' }).waitFor();
  await panel.frame.locator('.level-error').first().waitFor();
  await everyLook(workbench, panel, ['narrow']);
});

test('every action of a row is in the menu that a key opens', async () => {
  const { workbench } = bench;
  await workbench.focus('Runs');
  await press('End');
  await press('Shift+F10');
  const menu = workbench.page.locator('.monaco-menu .action-item');
  await menu.filter({ hasText: 'Undo Run' }).waitFor();
  await menu.filter({ hasText: 'Show Run Log' }).waitFor();
  await press('Escape');
});
