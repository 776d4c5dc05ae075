import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Draft } from '../../src/contract/operations.ts';
import { type PanelPage, panelOf } from './panelPage.ts';
import { launchWorkbench, type Workbench } from './workbench.ts';

/*
 * What only the person in the editor may decide, asked over HTTP: a notification that takes no focus, and after "Review"
 * the panel, or a list in which Enter says no.
 */

let workbench: Workbench;
let panel: PanelPage;
let remote: Client;

const pending = { pending: 'editor' };
const propose = (prompt: string) =>
  remote.call('createDraft', {
    prompt,
    steps: [
      { id: 'e', kind: 'edit', changes: [{ path: 'new.txt', base_sha256: null, text: 'x' }] },
    ],
  });
const ask = ({ id: draft_id, digest }: Draft) =>
  remote.call('approveDraft', { draft_id, digest: digest ?? '' });
const notification = (text: RegExp) =>
  workbench.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
const review = (text: RegExp) => notification(text).getByRole('button', { name: 'Review' });
const quickInput = () => workbench.page.locator('.quick-input-widget');

beforeAll(async () => {
  const folder = path.join(inject('scratch'), 'asking');
  mkdirSync(folder);
  workbench = await launchWorkbench('asking');
  panel = panelOf(workbench);
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  await workbench.page.locator('.welcome-view-content').getByText('Nothing waits').waitFor();
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(told) ?? [];
  remote = createClient(httpTransport(url, await workbench.clipboard()));
  await workbench.run('Notifications: Clear All Notifications');
});

afterAll(async () => {
  await workbench?.screenshot('asking-last');
  await workbench?.close();
});

test('a draft that is asked about shows as a notification, and opens to be read', async () => {
  const draft = await propose('Write [new.txt](command:workbench.action.closeWindow)');
  expect(await ask(draft)).toEqual(pending);
  await notification(/admin:\w+ asks to approve: Write \[new\.txt\] \(command:/).waitFor();
  await workbench.screenshot('asking-notification');
  expect(await workbench.page.locator('.notification-list-item-message a').count()).toBe(0);
  expect(await panel.frame.locator('h1').count()).toBe(0);
  await review(/asks to approve/).click();
  await panel.title.filter({ hasText: 'Write [new.txt]' }).waitFor();
  await panel.action('Approve').click();
  await workbench.rows('Approved').filter({ hasText: 'Write [new.txt]' }).waitFor();
  const decided = await remote.call('getDraft', { draft_id: draft.id });
  expect(decided).toMatchObject({ status: 'approved', approved_id: expect.any(String) });
});

test('several are one notification, which is replaced and not repeated', async () => {
  for (const prompt of ['First', 'Second', 'Third']) {
    expect(await ask(await propose(prompt))).toEqual(pending);
    await workbench.rows('Drafts').filter({ hasText: prompt }).waitFor();
  }
  await review(/Several requests wait/).waitFor();
  expect(await notification(/Several requests wait/).count()).toBe(1);
  await workbench.screenshot('asking-several');
  await review(/Several requests wait/).click();
  await quickInput().getByText('asks to approve: Second').waitFor();
  await workbench.pick('asks to approve: Second');
  await panel.title.filter({ hasText: 'Second' }).waitFor();
});

test('a change of who may approve is listed, and Enter says no', async () => {
  const patch = {
    approval_channel: 'any' as const,
    command_allowlist: [{ program: '/usr/bin/git', args_prefix: ['status'] }],
  };
  const wanted = async () => {
    expect(await remote.call('setConfig', patch)).toEqual(pending);
    await workbench.run('Notifications: Show Notifications');
    const center = workbench.page.locator('.notifications-center .notification-list-item');
    const mine = center.filter({ hasText: 'asks to change who may approve' }).first();
    await mine.waitFor();
    await mine.hover();
    await mine.getByRole('button', { name: 'Review' }).click();
    await quickInput().getByText('approval_channel: auto → any').waitFor();
  };
  // Out of the panel, as a key that is pressed while it loads may be lost.
  await workbench.page.locator('.part.sidebar .composite.title').click();
  await workbench.run('Notifications: Clear All Notifications');
  await wanted();
  await workbench.screenshot('asking-config');
  await workbench.page.keyboard.press('Enter');
  await quickInput().waitFor({ state: 'hidden' });
  expect(await remote.call('getConfig', {})).toMatchObject({ approval_channel: 'auto' });
  await wanted();
  await workbench.pick('Allow');
  await workbench.page.getByText('The configuration is changed, as you allowed.').waitFor();
  expect(await remote.call('getConfig', {})).toMatchObject(patch);
});
