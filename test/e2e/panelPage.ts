import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { z } from 'zod';
import { launchWorkbench, type Workbench } from './workbench.ts';

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

const Findings = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.string()) }),
);

/** The review panel that is in front, as a person sees it. */
export interface PanelPage {
  frame: FrameLocator;
  title: Locator;
  /** A button of the bar, by its label. */
  action(label: string): Locator;
  /** Whether a button of the bar can be pressed. */
  enabled(label: string): Promise<boolean>;
  /** The raw text of a part, by the name that a screen reader says. */
  raw(name: string): Locator;
  /** Evaluates an expression inside of the panel. */
  evaluate(expression: string): Promise<unknown>;
  /** Findings of axe that are serious or worse, and a page that is wider than its window, fail. */
  isAccessible(): Promise<void>;
}

export function panelOf({ page }: Pick<Workbench, 'page'>): PanelPage {
  const frame = page
    .frameLocator('iframe.webview.ready:visible')
    .last()
    .frameLocator('iframe#active-frame');
  // Approve names the draft as well.
  const action = (label: string) =>
    frame.locator('.bar').getByRole('button', { name: new RegExp(`^${label}( “|$)`) });
  const evaluate = async (expression: string) => (await frameOf(page)).evaluate(expression);
  return {
    ...{ frame, action, evaluate, title: frame.locator('h1') },
    enabled: (label) => action(label).isEnabled(),
    raw: (name) => frame.locator(`.raw[aria-label="${name}"]`),
    async isAccessible() {
      await evaluate(`${axeSource}; undefined`);
      const found = await evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => violations.map(({ id, impact, nodes }) => (
          { id, impact, nodes: nodes.map(({ html, failureSummary }) => html + failureSummary) })))`);
      const serious = Findings.parse(found).filter(({ impact }) =>
        /serious|critical/.test(impact ?? ''),
      );
      expect(serious).toEqual([]);
      const root = 'document.documentElement';
      expect(await evaluate(`${root}.scrollWidth <= ${root}.clientWidth`)).toBe(true);
    },
  };
}

/** What a test of the panel needs: a workbench on a folder with a server, and the wire to that server. */
export interface PanelBench {
  workbench: Workbench;
  panel: PanelPage;
  folder: string;
  /** Sends a request as admin; it has to succeed. */
  send(method: string, at: string, body?: object): Promise<unknown>;
  propose(draft: object): Promise<z.infer<typeof Made>>;
  draftNow(id: string): Promise<z.infer<typeof Made>>;
  /** Opens a draft as a person does, by its row. */
  review(title: string): Promise<void>;
  /** Reloads the window as a person does: what is open is kept. */
  reload(): Promise<void>;
}

export const Made = z.object({
  id: z.string(),
  status: z.string(),
  digest: z.string().nullable(),
  approved_id: z.string().nullable(),
});

/** @param name names what the test leaves behind; `files` are what the folder holds */
export async function openPanelBench(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<PanelBench> {
  const folder = mkdtempSync(path.join(inject('scratch'), `${name}-`));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  execFileSync('git', ['-C', folder, 'init', '--quiet', '--initial-branch=main']);
  const workbench = await launchWorkbench(name);
  const panel = panelOf(workbench);
  workbench.settings({ 'workbench.colorTheme': 'Default Dark Modern' });
  await workbench.open(folder);
  await workbench.openContainer('GIMO');
  // The server runs, and nothing waits yet.
  await workbench.page.locator('.welcome-view-content').getByText('Nothing waits').waitFor();
  await workbench.run('GIMO: Copy Token');
  await workbench.pick('admin');
  const told = (await workbench.toast(/Copied the admin token/).textContent()) ?? '';
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0] ?? '';
  const token = await workbench.clipboard();
  const send = async (method: string, at: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${url}${at}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.ok).toBe(true);
    return answer.json();
  };
  return {
    ...{ workbench, panel, folder, send },
    propose: async (draft) => Made.parse(await send('POST', '/ops/drafts', draft)),
    draftNow: async (id) => Made.parse(await send('GET', `/ops/drafts/${id}`)),
    async review(title) {
      await workbench.rows('Drafts').filter({ hasText: title }).click();
      await panel.title.filter({ hasText: title }).waitFor();
    },
    async reload() {
      const loaded = workbench.page.waitForEvent('load');
      await workbench.run('Developer: Reload Window');
      await loaded;
    },
  };
}

async function frameOf(page: Page) {
  const outer = page.locator('iframe.webview.ready:visible').last().contentFrame();
  const handle = await outer.locator('iframe#active-frame').elementHandle();
  const frame = await handle?.contentFrame();
  if (frame == null) throw new Error('The panel has no frame.');
  return frame;
}
