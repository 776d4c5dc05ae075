import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type BrowserContext,
  chromium,
  type Frame,
  type Locator,
  type Page,
} from 'playwright-core';
import { afterEach, inject } from 'vitest';
import { chromiumFlags } from '../../scripts/chromium.ts';
import { quietSettings } from '../../scripts/vscode-host/codeServer.ts';
import { quickField, quickRow, runCommand } from './palette.ts';

/** A workbench in a browser with a profile of its own, driven as a person would. */
export interface Workbench {
  page: Page;
  /** Loads the workbench with a folder (an empty window if null), again if it was open. */
  open(folder: string | null): Promise<void>;
  /** Runs a command from the palette, by its whole label. */
  run(label: string): Promise<void>;
  /** Picks a row of the open quick pick. */
  pick(label: string): Promise<void>;
  /** Types into the open input box and accepts. */
  answer(text: string): Promise<void>;
  /** Opens a view container of the activity bar, unless it is open. */
  openContainer(name: string): Promise<void>;
  /** Gives the focus to a tree view, by the command that it has, and waits until it takes keys. */
  focus(view: string): Promise<void>;
  /** The rows of a tree view. */
  rows(view: string): Locator;
  /** A notification whose text matches. */
  toast(text: RegExp): Locator;
  /** Sets user settings beside the quiet ones; a theme takes effect with the next {@link Workbench.open}. */
  settings(more: Readonly<Record<string, unknown>>): void;
  /** Sets the machine's settings; they take effect with the next {@link Workbench.open}. */
  machineSettings(all: Readonly<Record<string, unknown>>): void;
  /** What stands in the clipboard. */
  clipboard(): Promise<string>;
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

/* A tooltip covers the rows below it. The pointer rests where it clicked last, and no test means that one. */
const restingPointer = { 'workbench.hover.delay': 60_000 };

/** @param name names its browser profile, and its log among the results */
export async function launchWorkbench(name: string): Promise<Workbench> {
  const url = inject('workbench');
  const context = await chromium.launchPersistentContext(
    path.join(inject('scratch'), `profile-${name}`),
    {
      executablePath: inject('chromium'),
      headless: true,
      args: [...chromiumFlags],
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    },
  );
  const page = context.pages()[0] ?? (await context.newPage());
  keepConsole(name, page);
  const window = inWindow(page, url);
  // All files share an editor: what one of them has set must not reach the next.
  window.settings({});
  window.machineSettings({});
  return { ...inQuickInput(page), ...window, close: () => closeAll(context), page };
}

/** Another window of the same browser profile, as the same person opens it. */
export async function anotherWindow(first: Workbench, name: string): Promise<Workbench> {
  const page = await first.page.context().newPage();
  keepConsole(name, page);
  const window = { ...inQuickInput(page), ...inWindow(page, inject('workbench')) };
  return { ...window, close: () => page.close(), page };
}

/** The windows of this file, by name. */
const windows = new Map<string, Page>();

/* What a person would have seen where a test failed: as a picture, and as text for those who have the output alone. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const [name, page] of windows) {
    if (page.isClosed()) continue;
    await page.screenshot({ path: path.join(inject('results'), `${name}-failed.png`) });
    const seen = await Promise.all(page.frames().map(seenIn));
    console.log(`"${task.name}" failed; window ${name}:\n${seen.join('\n')}`);
  }
});

const seenIn = async (frame: Frame) =>
  `${frame.url()}\n${await frame.locator('body').ariaSnapshot({ timeout: 5_000 })}`;

function keepConsole(name: string, page: Page): void {
  windows.set(name, page);
  const log = path.join(inject('results'), `${name}.console.log`);
  writeFileSync(log, '');
  page.on('console', (line) => appendFileSync(log, `[${line.type()}] ${line.text()}\n`));
  page.on('pageerror', (error) => appendFileSync(log, `[pageerror] ${error}\n`));
}

async function closeAll(context: BrowserContext): Promise<void> {
  await context.close();
}

function inQuickInput(page: Page): Pick<Workbench, 'run' | 'focus' | 'pick' | 'answer'> {
  return {
    run: (label) => runCommand(page, label),
    async focus(view) {
      await runCommand(page, `GIMO: Focus on ${view} View`);
      await page.locator(`.pane-body .monaco-list[aria-label="${view}"]:focus`).waitFor();
    },
    async pick(label) {
      await quickRow(page, label).click();
    },
    async answer(text) {
      await page.locator('.quick-input-widget .quick-input-message').waitFor();
      await quickField(page).fill(text);
      await page.keyboard.press('Enter');
    },
  };
}

function inWindow(
  page: Page,
  url: string,
): Omit<Workbench, 'run' | 'focus' | 'pick' | 'answer' | 'close' | 'page'> {
  return {
    async open(folder) {
      const what = folder === null ? 'ew=true' : `folder=${encodeURIComponent(folder)}`;
      await page.goto(`${url}/?${what}`);
      await page.locator('.monaco-workbench').waitFor();
      await page.locator('.part.statusbar').waitFor();
    },
    async openContainer(name) {
      const label = page.locator(`.activitybar .action-label[aria-label^="${name}"]`);
      await label.waitFor();
      const title = page.locator('.part.sidebar .composite.title h2').filter({ hasText: name });
      if (!(await title.isVisible())) await label.click();
      await title.waitFor();
      // Away from the icon, or its tooltip covers what is looked at.
      await page.mouse.move(800, 400);
    },
    rows: (view) => page.locator(`.pane-body .monaco-list[aria-label="${view}"] .monaco-list-row`),
    toast: (text) =>
      page
        .locator('.notifications-toasts .notification-list-item-message')
        .filter({ hasText: text })
        .first(),
    settings(more) {
      writeFileSync(
        inject('settings'),
        JSON.stringify({ ...quietSettings, ...restingPointer, ...more }),
      );
    },
    machineSettings(all) {
      writeFileSync(inject('machineSettings'), JSON.stringify(all));
    },
    clipboard: () => page.evaluate('navigator.clipboard.readText()').then(String),
    async screenshot(name) {
      await page.screenshot({ path: path.join(inject('results'), `${name}.png`) });
    },
  };
}
