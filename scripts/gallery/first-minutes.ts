import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { inject, test } from 'vitest';
import { type Bench, calm } from './bench.ts';

/** What somebody sees who has just installed the extension. */
export function firstMinutes(now: () => Bench): void {
  const welcome = (text: string) =>
    now().workbench.page.locator('.welcome-view-content').filter({ hasText: text }).first();
  const sidebar = () => now().workbench.page.locator('.part.sidebar');

  test('no folder', async () => {
    const { workbench, camera } = now();
    await workbench.open(null);
    await workbench.openContainer('GIMO');
    await welcome('Open a folder').waitFor();
    await camera.take('empty-no-folder');
  });

  test('a folder that is not trusted', async () => {
    const { workbench, camera } = now();
    const folder = path.join(inject('scratch'), 'gallery-untrusted');
    mkdirSync(folder, { recursive: true });
    const trust = {
      ...calm,
      'security.workspace.trust.enabled': true,
      'security.workspace.trust.startupPrompt': 'never',
    };
    workbench.settings(trust);
    await workbench.open(folder);
    await workbench.openContainer('GIMO');
    await welcome('do not trust').waitFor();
    await camera.take('empty-untrusted', { widths: ['wide'] });
    workbench.settings(calm);
  });

  test('empty views', async () => {
    const { workbench, camera, folder } = now();
    await workbench.open(folder);
    await workbench.openContainer('GIMO');
    await welcome('Nothing waits').waitFor();
    camera.chapter('The first minutes');
    await camera.take('empty', {
      keep: [
        {
          theme: 'light',
          caption: 'Every view says what it is for while it is empty, and what to do first',
          part: sidebar(),
        },
      ],
    });
  });

  test('walkthrough', async () => {
    const { workbench, camera } = now();
    await workbench.run('View: Toggle Primary Side Bar Visibility');
    await workbench.run('Welcome: Open Walkthrough');
    await workbench.pick('Get Started with GIMO');
    const steps = workbench.page.locator('.gettingStartedContainer .getting-started-step');
    const picture = workbench.page
      .frameLocator('iframe.webview.ready')
      .last()
      .frameLocator('iframe#active-frame')
      .locator('svg text')
      .first();
    for (const [index, name] of ['start', 'model', 'draft', 'review'].entries()) {
      await steps.nth(index).click();
      await picture.waitFor();
      await camera.take(`walkthrough-${name}`, {
        widths: ['wide'],
        keep:
          name === 'draft'
            ? [{ theme: 'light', caption: 'A walkthrough in four steps leads to an approved run' }]
            : [],
      });
    }
    // Without the keyboard: the picture, made anew with each theme, takes the focus.
    await workbench.page.locator('.tab', { hasText: 'Welcome' }).click({ button: 'middle' });
    await workbench.openContainer('GIMO');
  });
}
