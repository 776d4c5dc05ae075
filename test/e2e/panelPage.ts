import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Workbench } from './workbench.ts';

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

async function frameOf(page: Page) {
  const outer = page.locator('iframe.webview.ready:visible').last().contentFrame();
  const handle = await outer.locator('iframe#active-frame').elementHandle();
  const frame = await handle?.contentFrame();
  if (frame == null) throw new Error('The panel has no frame.');
  return frame;
}
