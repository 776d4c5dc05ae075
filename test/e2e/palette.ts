import type { Page } from 'playwright-core';

/* The palette of a workbench, driven as a person would. Nothing of vitest is in it: the bench uses it as well. */

/** Milliseconds: how long a person tries, on a machine that has much else to do. */
const patienceMs = 90_000;

/** The field of the quick input that is open. */
export const quickField = (page: Page) =>
  page.locator('.quick-input-widget').locator('input[type="text"], .quick-input-box input').first();

/** A row of the quick pick that is open. */
export const quickRow = (page: Page, label: string) =>
  page.locator('.quick-input-list .monaco-list-row').filter({ hasText: label }).first();

/** Runs a command, by its whole label. */
export async function runCommand(page: Page, label: string): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      await page.keyboard.press('F1');
      await quickField(page).fill(`>${label}`, { timeout: 5_000 });
      await quickRow(page, label).click({ timeout: 10_000 });
      return;
    } catch (error) {
      // A panel that has just opened takes the focus, and the palette closes without it: then a person asks again.
      if (page.isClosed() || performance.now() > until) throw error;
    }
  }
}
