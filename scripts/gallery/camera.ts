import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { inject } from 'vitest';
import {
  dress,
  sideBar,
  type Theme,
  themeNames,
  type Width,
  widthNames,
  widths,
} from '../../test/e2e/looks.ts';
import type { Workbench } from '../../test/e2e/workbench.ts';

/*
 * Takes each thing in every theme and at several widths into `test-results/gallery`, and a few of those pictures into
 * `docs/gallery`, with `docs/GALLERY.md` that shows them.
 */

/** A picture for the gallery. */
export interface Kept {
  caption: string;
  theme?: Theme;
  width?: Width;
  /** The only part of the window that it shows. */
  part?: Locator;
  /** As much of that, from its top, in pixels; all of it if left out. */
  height?: number;
}

export interface Look {
  widths?: readonly Width[];
  keep?: readonly Kept[];
  /** Whether the editor is what matters: in a narrow window it has all of the room. */
  editor?: boolean;
  /** Settings of the machine beside the theme. */
  machine?: Readonly<Record<string, unknown>>;
  /** Called at each look, after the picture. */
  check?(): Promise<void>;
}

export interface Camera {
  /** Begins a part of the gallery. */
  chapter(title: string): void;
  take(name: string, look?: Look): Promise<void>;
  /** Puts what was kept into `docs`, with the page that shows it; called when all of it was taken. */
  publish(): void;
}

const root = path.dirname(path.dirname(import.meta.dirname));
const docs = path.join(root, 'docs');
/** `npm run pictures -- matrix` takes all; `GALLERY_THEMES=dark GALLERY_WIDTHS=wide` a part of that, to work on it. */
const matrix = process.env.GALLERY_MATRIX !== undefined;
const only = (name: string, all: readonly string[]) => process.env[name]?.split(',') ?? all;

export function createCamera(workbench: Workbench): Camera {
  const results = path.join(path.dirname(inject('results')), 'gallery');
  mkdirSync(results, { recursive: true });
  const themesNow = only('GALLERY_THEMES', themeNames);
  const widthsNow = only('GALLERY_WIDTHS', widthNames);
  const lines: string[] = [];
  const files: string[] = [];

  const shoot = async (name: string, theme: Theme, width: Width, keep: readonly Kept[]) => {
    const file = path.join(results, `${name}-${theme}-${width}.png`);
    await quiet(workbench);
    await settled(workbench);
    await workbench.page.screenshot({ path: file, animations: 'disabled' });
    if (matrix) return;
    for (const { caption, part, height } of keep.filter(isOf(theme, width))) {
      const box = await part?.boundingBox();
      if (box != null) {
        const clip = { ...box, height: height ?? box.height };
        await workbench.page.screenshot({ path: file, clip, animations: 'disabled' });
      }
      files.push(file);
      lines.push(`**${caption}**`, '', `![${caption}](gallery/${path.basename(file)})`, '');
    }
  };

  return {
    chapter(title) {
      lines.push(`## ${title}`, '');
    },
    async take(name, look = {}) {
      const { widths: wanted = widthNames, keep = [] } = look;
      for (const width of wanted.filter((one) => widthsNow.includes(one))) {
        const wants = (theme: Theme) =>
          matrix ? themesNow.includes(theme) : keep.some(isOf(theme, width));
        const mine = themeNames.filter(wants);
        if (mine.length === 0) continue;
        // Before, or it stays as narrow as it had to be.
        if (look.editor === true) await sideBar(workbench, width !== 'narrow');
        await workbench.page.setViewportSize(widths[width]);
        for (const theme of mine) {
          await dress(workbench, theme, look.machine);
          await shoot(name, theme, width, keep);
          await look.check?.();
        }
      }
      await workbench.page.setViewportSize(widths.wide);
      if (look.editor === true) await sideBar(workbench, true);
      await dress(workbench, 'dark', look.machine);
    },
    publish() {
      if (matrix) return;
      const kept = path.join(docs, 'gallery');
      rmSync(kept, { recursive: true, force: true });
      mkdirSync(kept);
      for (const file of files) copyFileSync(file, path.join(kept, path.basename(file)));
      writeFileSync(path.join(docs, 'GALLERY.md'), `${intro}${lines.join('\n')}`);
    },
  };
}

const isOf = (theme: Theme, width: Width) => (one: Kept) =>
  (one.theme ?? 'dark') === theme && (one.width ?? 'wide') === width;

const intro = `# How GIMO looks

Pictures of the extension in a real VS Code, on the sample repository. \`npm run pictures\` makes them anew;
\`npm run pictures -- matrix\` takes everything here, and more, in four themes and at three widths.

`;

/** Puts away what others complain of: the sample host comes without a language server for TypeScript. */
async function quiet({ page }: Workbench): Promise<void> {
  const toast = page
    .locator('.notifications-toasts .notification-list-item')
    .filter({ hasText: 'tsserver' });
  if (!(await toast.isVisible())) return;
  await toast.hover();
  await toast.locator('.codicon-notifications-clear').click();
  await toast.waitFor({ state: 'hidden' });
  await page.mouse.move(0, 0);
}

/** Until what was asked for is on the screen: two frames, and no transition that goes on. */
async function settled({ page }: Workbench): Promise<void> {
  await page.evaluate(
    `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() =>
      Promise.all(document.getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
        .map((one) => one.finished.catch(() => undefined)))).then(() => undefined)`,
  );
}
