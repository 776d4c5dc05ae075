import { test } from 'vitest';
import type { Bench } from './bench.ts';
import { explain, headline, vatOnce } from './drafts.ts';

const names = ['Drafts', 'Approved', 'Runs', 'Plan', 'Control Plane'] as const;
type Name = (typeof names)[number];

/** The five views, together and each with all of the room. */
export function views(now: () => Bench): void {
  const row = (view: string, text: string | RegExp) =>
    now().workbench.rows(view).filter({ hasText: text }).first();
  const sidebar = () => now().workbench.page.locator('.part.sidebar');
  const open = async (...wanted: readonly Name[]) => {
    for (const name of names) {
      const header = now()
        .workbench.page.locator('.part.sidebar .pane-header')
        .filter({ hasText: new RegExp(`^${name}`) });
      const is = (await header.getAttribute('aria-expanded')) === 'true';
      if (is !== wanted.includes(name)) await header.locator('.title').click();
    }
    await now().workbench.page.mouse.move(800, 300);
  };

  /** Drags the edge of the side bar. */
  const widen = async (width: number) => {
    const { page } = now().workbench;
    const box = await sidebar().boundingBox();
    if (box === null) throw new Error('There is no side bar.');
    await page.mouse.move(box.x + box.width, 500);
    await page.mouse.down();
    await page.mouse.move(box.x + width, 500, { steps: 4 });
    await page.mouse.up();
    await page.mouse.move(900, 300);
  };

  test('all of them', async () => {
    const { propose, camera, tidy, workbench } = now();
    await widen(420);
    await propose({
      ...vatOnce(),
      prompt: 'Round VAT once, with the old totals beside it',
      plan_task_id: 'vat',
    });
    await propose({
      ...headline,
      prompt: 'Refuse discounts above 100 %',
      plan_task_id: 'discount',
    });
    await propose({ ...explain, prompt: 'List the currencies that have no cents' });
    await row('Drafts', 'List the currencies').waitFor();
    await workbench.toast(/wait for you/).waitFor();
    await tidy();
    await row('Runs', /Round VAT once.*waits/)
      .locator('.monaco-tl-twistie')
      .click();
    camera.chapter('The views');
    await camera.take('views', {
      keep: [{ caption: 'The views in the side bar, and how many wait for a person' }],
    });
  });

  test.each(names)('%s', async (name) => {
    const { camera, workbench } = now();
    await open(name);
    if (name === 'Control Plane') await row('Control Plane', 'Server').waitFor();
    const captions: Record<Name, string> = {
      Drafts: 'Drafts: what waits, and what was decided',
      Approved: 'Approved: what can run, what cannot, and what was used',
      Runs: 'Runs: what waits, what goes on, and what is over, step by step',
      Plan: 'Plan: tasks in the order in which they can be done',
      'Control Plane': 'Control Plane: who may do what, and the brake',
    };
    const themes = {
      Drafts: 'light',
      Approved: 'dark',
      Runs: 'light',
      Plan: 'dark',
      'Control Plane': 'light',
    } as const;
    await camera.take(`view-${name.toLowerCase().replace(' ', '-')}`, {
      keep: [{ theme: themes[name], caption: captions[name], part: sidebar(), height: 480 }],
    });
    const first = workbench.rows(name).nth(name === 'Control Plane' ? 0 : 1);
    await first.hover();
    await camera.take(`hover-${name.toLowerCase().replace(' ', '-')}`, { widths: ['wide'] });
  });

  test('a narrow side bar', async () => {
    const { camera } = now();
    await open('Drafts', 'Approved', 'Runs', 'Plan');
    await widen(200);
    await camera.take('views-narrow', {
      widths: ['wide'],
      keep: [{ theme: 'hc-dark', caption: 'A narrow side bar, in high contrast', part: sidebar() }],
    });
    await widen(320);
  });

  test('an artifact whose approval has expired', async () => {
    const { camera, workbench, panel } = now();
    await open('Approved');
    await workbench.run('GIMO: Refresh');
    await row('Approved', /Show yen.*blocked/).waitFor({ timeout: 90_000 });
    await row('Approved', /Show yen/).click();
    await panel.title.filter({ hasText: 'Show yen' }).waitFor();
    await camera.take('artifact-expired', { editor: true, check: () => panel.isAccessible() });
    await now().closeAll();
    await open('Drafts', 'Approved', 'Runs', 'Plan');
  });
}
