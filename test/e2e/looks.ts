import type { PanelPage } from './panelPage.ts';
import type { Workbench } from './workbench.ts';

/* How the workbench can look: themes, by what the window and its panels call them, and sizes. */

const themes = {
  light: { name: 'Default Light Modern', shell: 'vs', panel: 'vscode-light' },
  dark: { name: 'Default Dark Modern', shell: 'vs-dark', panel: 'vscode-dark' },
  'hc-dark': {
    ...{ name: 'Default High Contrast', shell: 'hc-black', panel: 'vscode-high-contrast' },
  },
  'hc-light': {
    ...{ name: 'Default High Contrast Light', shell: 'hc-light' },
    panel: 'vscode-high-contrast-light',
  },
} as const;
export type Theme = keyof typeof themes;
export const themeNames = ['light', 'dark', 'hc-dark', 'hc-light'] as const satisfies Theme[];

export const widths = {
  wide: { width: 1440, height: 900 },
  middle: { width: 900, height: 800 },
  narrow: { width: 480, height: 800 },
} as const;
export type Width = keyof typeof widths;
export const widthNames = ['wide', 'middle', 'narrow'] as const satisfies Width[];

/**
 * Changes the theme of the open window, and waits until its panels have changed too.
 *
 * @param machine settings of the machine beside it
 */
export async function dress(
  workbench: Workbench,
  theme: Theme,
  machine: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { name, shell, panel } = themes[theme];
  // Those of the user take effect only when the window opens.
  workbench.machineSettings({ ...machine, 'workbench.colorTheme': name });
  await workbench.page.locator(`.monaco-workbench.${shell}`).waitFor();
  for (const frame of await workbench.page.locator('iframe.webview.ready:visible').all())
    await frame
      .contentFrame()
      .locator('iframe#active-frame')
      .contentFrame()
      .locator(`body.${panel}`)
      .waitFor();
}

/** Shows or hides the side bar. */
export async function sideBar({ page }: Workbench, shown: boolean): Promise<void> {
  const part = page.locator('.part.sidebar');
  if ((await part.isVisible()) !== shown) await page.keyboard.press('Control+b');
  await part.waitFor({ state: shown ? 'visible' : 'hidden' });
}

/** Looks at the panel in every theme and at some widths, all if left out, and leaves it as it was: wide, in dark. */
export async function everyLook(
  workbench: Workbench,
  { isAccessible }: Pick<PanelPage, 'isAccessible'>,
  at: readonly Width[] = widthNames,
): Promise<void> {
  for (const width of at) {
    // Before, or it stays as narrow as it had to be.
    await sideBar(workbench, width !== 'narrow');
    await workbench.page.setViewportSize(widths[width]);
    for (const theme of themeNames) {
      await dress(workbench, theme);
      await isAccessible();
    }
  }
  await workbench.page.setViewportSize(widths.wide);
  await sideBar(workbench, true);
  await dress(workbench, 'dark');
}
