import path from 'node:path';
import { inject, test } from 'vitest';
import { anotherWindow } from '../../test/e2e/workbench.ts';
import type { Bench } from './bench.ts';

/** What is there when nothing goes on: another window's server, a lockdown, no server, a server that cannot start. */
export function braked(now: () => Bench): void {
  const welcome = (text: string) =>
    now().workbench.page.locator('.welcome-view-content').filter({ hasText: text }).first();
  const row = (view: string, text: string | RegExp) =>
    now().workbench.rows(view).filter({ hasText: text }).first();
  const sidebar = () => now().workbench.page.locator('.part.sidebar');

  test('another window', async () => {
    const { workbench, folder } = now();
    const second = await anotherWindow(workbench, 'gallery-second');
    await second.page.setViewportSize({ width: 1440, height: 900 });
    await second.open(folder);
    await second.openContainer('GIMO');
    await second.rows('Drafts').filter({ hasText: 'List the currencies' }).waitFor();
    await second.page.screenshot({
      path: path.join(path.dirname(inject('results')), 'gallery/attached-dark-wide.png'),
    });
    await second.close();
    await workbench.page.bringToFront();
  });

  test('locked down', async () => {
    const { workbench, camera, panel } = now();
    await workbench.run('GIMO: Lock Down');
    await workbench.page.getByText('Enter locks down').waitFor();
    await workbench.answer('An agent asks for the same thing every second');
    await workbench.page.getByText('Locked down. Nothing new starts.').first().waitFor();
    await workbench.run('GIMO: Focus on Control Plane View');
    await row('Control Plane', /Lockdown.*locked down/).waitFor();
    await row('Drafts', 'Round VAT once').click();
    await panel.action('Approve').waitFor();
    await now().tidy();
    camera.chapter('The brake');
    await camera.take('lockdown', {
      keep: [{ theme: 'hc-light', caption: 'Locked down: nothing begins until a person says so' }],
    });
    await row('Control Plane', /Lockdown/).click();
    await workbench.pick('Yes, end the lockdown');
    await workbench.page.getByText('The lockdown is over').first().waitFor();
  });

  test('stopped', async () => {
    const { workbench, camera, panel } = now();
    await workbench.run('GIMO: Stop Server');
    await welcome('The server is stopped').waitFor();
    await panel.frame.locator('.notices').filter({ hasText: 'is not running' }).waitFor();
    await now().tidy();
    await camera.take('stopped', {
      keep: [
        { theme: 'light', caption: 'Without a server everything can be read, and nothing decided' },
      ],
    });
    await camera.take('stopped-panel', { editor: true, check: () => panel.isAccessible() });
    await now().closeAll();
  });

  test('a port that somebody else has', async () => {
    const { workbench, camera, folder } = now();
    const machine = { 'gimo.port': Number(new URL(inject('workbench')).port) };
    workbench.machineSettings(machine);
    await workbench.open(folder);
    await workbench.openContainer('GIMO');
    await welcome('could not start').waitFor();
    await workbench.toast(/port/).waitFor();
    await camera.take('failed', {
      machine,
      widths: ['wide', 'narrow'],
      keep: [{ theme: 'dark', caption: 'A server that cannot start says why' }],
    });
    await camera.take('failed-views', {
      machine,
      widths: ['wide'],
      keep: [{ theme: 'dark', caption: 'And so does each view', part: sidebar() }],
    });
    workbench.machineSettings({});
  });
}
