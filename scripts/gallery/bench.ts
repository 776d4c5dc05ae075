import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { inject } from 'vitest';
import { z } from 'zod';
import { type PanelPage, panelOf } from '../../test/e2e/panelPage.ts';
import { launchWorkbench, type Workbench } from '../../test/e2e/workbench.ts';
import { makeSample } from '../sample.ts';
import { type Camera, createCamera } from './camera.ts';

const Made = z.looseObject({ id: z.string(), digest: z.string().nullish() });
export type Made = z.infer<typeof Made>;

/** What the tour needs: the sample repository in a workbench, a camera, and the wire to the server. */
export interface Bench {
  workbench: Workbench;
  panel: PanelPage;
  camera: Camera;
  folder: string;
  /** Notes address and token of the server, as a person does who copies the token. */
  connect(): Promise<void>;
  send(method: string, at: string, body?: object): Promise<unknown>;
  propose(draft: object): Promise<Made>;
  /** Proposes a draft, and approves it in the panel; what opens by it is left open. */
  approve(draft: { prompt: string }, run?: boolean): Promise<void>;
  /** Puts away notifications and the pointer. */
  tidy(): Promise<void>;
  closeAll(): Promise<void>;
}

const dressed = { 'workbench.colorTheme': 'Default Dark Modern' };
/** Less of what is not ours. */
export const calm = {
  'window.commandCenter': false,
  'workbench.layoutControl.enabled': false,
  'workbench.navigationControl.enabled': false,
  'workbench.editor.enablePreview': true,
  'editor.minimap.enabled': false,
};

export async function openBench(): Promise<Bench> {
  const folder = path.join(inject('scratch'), randomUUID().slice(0, 8), 'invoice-totals');
  mkdirSync(path.dirname(folder), { recursive: true });
  await makeSample(folder);
  const workbench = await launchWorkbench(`gallery-${path.basename(path.dirname(folder))}`);
  workbench.settings(calm);
  workbench.machineSettings(dressed);
  await workbench.page.setViewportSize({ width: 1440, height: 900 });
  const { page } = workbench;
  page.setDefaultTimeout(60_000);
  const panel = panelOf(workbench);
  let url = '';
  let token = '';
  const send = async (method: string, at: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${url}${at}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    ...{ workbench, folder, send, panel },
    camera: createCamera(workbench),
    async connect() {
      await workbench.run('GIMO: Copy Token');
      await workbench.pick('admin');
      const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0] ?? '';
      token = await workbench.clipboard();
    },
    propose: async (draft) => Made.parse(await send('POST', '/ops/drafts', draft)),
    async approve(draft, run = false) {
      await send('POST', '/ops/drafts', draft);
      await workbench.rows('Drafts').filter({ hasText: draft.prompt }).first().click();
      await panel.title.filter({ hasText: draft.prompt }).waitFor();
      await panel.action(run ? 'Approve & Run' : 'Approve').click();
      const word = run ? /Running|Done|Failed|Waits for you/ : 'Approved';
      await panel.frame.locator('.badge').filter({ hasText: word }).waitFor();
    },
    async tidy() {
      await workbench.run('Notifications: Clear All Notifications');
      await page.locator('.notifications-toasts .notification-list-item').first().waitFor({
        state: 'hidden',
      });
      await page.mouse.move(0, 0);
    },
    closeAll: () => workbench.run('View: Close All Editors'),
  };
}

/** The newest draft whose prompt begins like this. */
export async function draftNamed({ send }: Bench, prompt: string): Promise<Made> {
  const all = z.array(Made.extend({ prompt: z.string() })).parse(await send('GET', '/ops/drafts'));
  const found = all.find((one) => one.prompt.startsWith(prompt));
  if (found === undefined) throw new Error(`There is no draft ${prompt}.`);
  return found;
}
