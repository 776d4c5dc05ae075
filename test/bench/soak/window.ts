import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { chromiumFlags, ensureChromium } from '../../../scripts/chromium.ts';
import { makeSample } from '../../../scripts/sample.ts';
import { startCodeServer } from '../../../scripts/vscode-host/codeServer.ts';
import { ensureHost } from '../../../scripts/vscode-host/ensure.ts';
import { demandProof, type Mac, portOf } from '../../../src/client/prove.ts';
import { type TokenRole, tokenRoles } from '../../../src/core/principals.ts';
import { readServer } from '../../../src/store/discovery.ts';
import { dataDirOf, ledgerDir } from '../../../src/store/paths.ts';
import { readLedgerMac } from '../../../src/store/proof.ts';
import { quickRow, runCommand } from '../../e2e/palette.ts';

/** A server that has proved itself, and the process that hosts it. */
export interface Found {
  url: string;
  port: number;
  pid: number;
  epoch: number;
  mac: Mac;
}

/** The real workbench with the packaged extension, on a repository of its own. */
export interface SoakWindow {
  readonly folder: string;
  /** The server of the window. Waits until there is one that is newer than `after`. */
  server(after?: number): Promise<Found>;
  /** The tokens, copied by the palette as a person does. */
  tokens(): Promise<Map<TokenRole, string>>;
  /** Loads the page again: the extension host ends, and another starts. */
  reload(): Promise<void>;
  /** Puts away what has piled up before the person. */
  tidy(): Promise<void>;
  closePage(): Promise<void>;
  close(): Promise<void>;
}

const root = path.dirname(path.dirname(path.dirname(import.meta.dirname)));
const startMs = 240_000;

/**
 * @param scratch everything is kept in it
 * @param memory where the processes write down what they use
 * @param results where the editor's log is kept
 */
export async function openSoakWindow(
  scratch: string,
  memory: string,
  everyMs: number,
  results: string,
): Promise<SoakWindow> {
  const host = ensureHost();
  const vsix = packageInto(scratch);
  const folder = path.join(scratch, 'work');
  await makeSample(folder);
  mkdirSync(results, { recursive: true });
  const ledger = path.join(scratch, 'ledger');
  const editor = await startCodeServer({
    ...{ host, scratch, vsix, log: path.join(results, 'soak-editor.log') },
    env: {
      GIMO_CONFIG_HOME: ledger,
      GIMO_SOAK_MEMORY: memory,
      GIMO_SOAK_EVERY_MS: String(everyMs),
    },
    nodeArguments: [
      '--expose-gc',
      ...['--import', path.join(import.meta.dirname, '../soak-probe.mjs')],
    ],
  });
  try {
    const { page, context } = await openPage(scratch, editor.url, folder);
    return {
      folder,
      server: (after = 0) => serverOf(ledger, folder, after),
      tokens: () => copyTokens(page),
      async reload() {
        await page.reload();
        await painted(page);
        await served(page);
      },
      tidy: () => runCommand(page, 'Notifications: Clear All Notifications'),
      closePage: () => context.close(),
      close: () => editor.stop(),
    };
  } catch (error) {
    await editor.stop();
    throw error;
  }
}

/** Packages the extension, and tells where. */
export function packageInto(scratch: string): string {
  const vsix = path.join(scratch, 'gimo.vsix');
  execFileSync('npm', ['run', '--silent', 'package', '--', '--out', vsix], {
    ...{ cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
    shell: process.platform === 'win32',
  });
  return vsix;
}

/** @param script run in each page before anything else */
export async function openPage(scratch: string, url: string, folder: string, script = '') {
  const context = await chromium.launchPersistentContext(path.join(scratch, 'profile'), {
    ...{ executablePath: ensureChromium(), headless: true, args: [...chromiumFlags] },
    ...{ viewport: { width: 1280, height: 800 } },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  await page.addInitScript(script);
  page.setDefaultTimeout(startMs / 2);
  page.setDefaultNavigationTimeout(startMs);
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
  await painted(page);
  await page.locator('.activitybar .action-label[aria-label^="GIMO"]').click();
  return { page, context };
}

/** Resolves once the window has a server: its own, or that of the host before. */
export async function served(page: Page): Promise<void> {
  await page
    .locator('.statusbar-item[id$="gimo.status"] a')
    .and(page.getByLabel(/the server listens on port|attached to the server/))
    .waitFor();
}

async function painted(page: Page): Promise<void> {
  await page.locator('.monaco-workbench').waitFor({ timeout: startMs });
  await page.locator('.part.statusbar').waitFor({ timeout: startMs });
}

/** Of what another program notes there is no event, so this looks until it stands there. */
export async function serverOf(home: string, folder: string, after: number): Promise<Found> {
  const dir = ledgerDir(home, dataDirOf(folder));
  const deadline = AbortSignal.timeout(startMs);
  while (!deadline.aborted) {
    const [note, mac] = [await readServer(dir), await readLedgerMac(dir)];
    const port = note === null ? null : portOf(note.url);
    if (note !== null && port !== null && mac !== null && note.epoch > after && !note.stopped)
      if ((await demandProof(port, mac)) === 'proved')
        return { url: note.url, port, pid: note.pid, epoch: note.epoch, mac };
    await wait(50);
  }
  throw new Error('The window has no server.');
}

async function copyTokens(page: Page): Promise<Map<TokenRole, string>> {
  const tokens = new Map<TokenRole, string>();
  for (const role of tokenRoles) {
    await page.evaluate('navigator.clipboard.writeText("")');
    await runCommand(page, 'GIMO: Copy Token');
    await quickRow(page, role).click();
    await page
      .locator('.notifications-toasts .notification-list-item-message')
      .filter({ hasText: `Copied the ${role} token` })
      .first()
      .waitFor();
    tokens.set(role, String(await page.evaluate('navigator.clipboard.readText()')));
    await runCommand(page, 'Notifications: Clear All Notifications');
  }
  return tokens;
}
