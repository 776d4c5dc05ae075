import { test } from 'vitest';
import type { Bench } from './bench.ts';

/** Questions, menus and the documents behind the commands. */
export function decisions(now: () => Bench): void {
  const picks = () => now().workbench.page.locator('.quick-input-list .monaco-list-row');
  const asked = async (name: string, command: string, first: string) => {
    const { workbench, camera } = now();
    await workbench.run(command);
    await picks().filter({ hasText: first }).first().waitFor();
    await workbench.page.mouse.move(0, 0);
    await camera.take(name, { widths: ['wide', 'narrow'] });
    await workbench.page.keyboard.press('Escape');
  };

  test.each([
    ['question-approve', 'GIMO: Approve Draft', 'List the currencies'],
    ['question-run', 'GIMO: Run Approved Artifact', 'Round VAT'],
    ['question-provider', 'GIMO: Choose Provider', 'OpenAI'],
    ['question-configuration', 'GIMO: Edit Configuration', 'Who may approve'],
    ['question-command-line', 'GIMO: Allow Command Line', 'Yes, allow'],
    ['question-cancel', 'GIMO: Cancel Run', 'Round VAT'],
  ])('%s', asked);

  test('the menu of the status bar', async () => {
    const { workbench, camera } = now();
    await workbench.page.locator('.statusbar-item[id$="gimo.status"]').click();
    await picks().filter({ hasText: 'Choose Provider' }).waitFor();
    await workbench.page.mouse.move(0, 0);
    await camera.take('menu', {
      keep: [{ theme: 'light', caption: 'A click on the status bar leads everywhere' }],
    });
    await workbench.page.keyboard.press('Escape');
  });

  test('a draft in a normal editor', async () => {
    const { workbench, camera } = now();
    await workbench.run('GIMO: Edit Draft');
    await workbench.pick('Round VAT once, with');
    await workbench.pick('Content');
    await workbench.page.locator('.monaco-editor .view-line').first().waitFor();
    await camera.take('edit-draft', {
      widths: ['wide'],
      keep: [{ caption: 'A draft is edited in a normal editor, and saving sends it' }],
    });
    await now().closeAll();
  });

  test('the audit log', async () => {
    const { workbench, camera } = now();
    await workbench.run('GIMO: Show Audit Log');
    await workbench.page.locator('.monaco-editor .view-line').nth(3).waitFor();
    await camera.take('audit', {
      widths: ['wide'],
      keep: [{ theme: 'light', caption: 'The audit log: who did what, before and after' }],
    });
    await workbench.run('GIMO: Verify Audit Log');
    await workbench.toast(/audit log is whole/).waitFor();
    await camera.take('toast-audit', { widths: ['wide'] });
    await now().tidy();
    await now().closeAll();
  });
}
