import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { startCodeServer } from '../../scripts/vscode-host/codeServer.ts';
import { ensureHost } from '../../scripts/vscode-host/ensure.ts';
import { attach } from '../../src/client/attach.ts';
import { createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import { sha256 } from '../../src/core/hash.ts';
import { runCommand } from '../e2e/palette.ts';
import { median, ms } from './measure.ts';
import { makePlace, type Place } from './server.ts';
import { openPage, packageInto, served, serverOf } from './soak/window.ts';

/* What a person sees of it: the packaged extension in the real workbench, with the page as the clock. */

/** Notes when the status item, the server and the first draft came to be on the page. Milliseconds since the epoch. */
const observer = `(() => {
  const seen = (window.gimoSeen = {});
  const note = (name) => { seen[name] ??= Date.now(); };
  new MutationObserver(() => {
    if (seen.row) return;
    const item = document.querySelector('.statusbar-item[id$="gimo.status"] a');
    if (item) note('item');
    if (/the server starts/.test(item?.getAttribute('aria-label') ?? '')) note('starting');
    if (/listens on port|attached to/.test(item?.getAttribute('aria-label') ?? '')) note('server');
    const rows = document.querySelectorAll('.monaco-list[aria-label="Drafts"] .monaco-list-row');
    if (rows.length > 1) note('row');
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-label'] });
})()`;
const Seen = z.object({
  ...{ item: z.number(), starting: z.number().optional() },
  ...{ server: z.number(), row: z.number() },
});

/** @returns rows of a table: what, how long. @param drafts how many are on disk */
export async function measureEditor(drafts: number, rounds: number): Promise<string[][]> {
  const place = makePlace(drafts);
  const scratch = path.dirname(place.root);
  const editor = await startCodeServer({
    ...{ host: ensureHost(), scratch, vsix: packageInto(scratch) },
    log: path.join(scratch, 'editor.log'),
    env: { GIMO_CONFIG_HOME: place.home },
  });
  try {
    const { page, context } = await openPage(scratch, editor.url, place.root, observer);
    try {
      await served(page);
      return [
        ...(await loads(page, rounds)),
        ...(await starts(page, editor.machineSettings, rounds)),
        ...(await news(page, place, rounds * 4)),
        ...(await idle(page, place)),
        ['activation, as the editor counts it, loading included', await activation(page)],
      ];
    } finally {
      await context.close();
    }
  } finally {
    await editor.stop();
    place.remove();
  }
}

/** From a load of the page, which keeps the workbench itself busy, to the first draft in the tree. */
async function loads(page: Page, rounds: number): Promise<string[][]> {
  const all: z.infer<typeof Seen>[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await page.reload();
    all.push(await seen(page));
  }
  const [server, row] = [all.map((at) => at.server - at.item), all.map((at) => at.row - at.server)];
  return [
    ['while the workbench loads: activated to a server that listens', ms(median(server))],
    ['a server that listens to the first draft', ms(median(row))],
    ['both', ms(median(all.map((at) => at.row - at.item)))],
  ];
}

/** What the workbench still does by itself after it has loaded, in milliseconds. */
const settlingMs = 5_000;

/** From a start of the server in a workbench that does nothing else, its code loaded for it, to the first draft. */
async function starts(page: Page, settings: string, rounds: number): Promise<string[][]> {
  const all: number[] = [];
  writeFileSync(settings, JSON.stringify({ 'gimo.autoStart': false }));
  for (let n = 0; n < rounds; n += 1) {
    await page.reload();
    await wait(settlingMs);
    await runCommand(page, 'GIMO: Start Server');
    const at = await seen(page);
    all.push(at.row - (at.starting ?? Number.NaN));
  }
  writeFileSync(settings, '{}');
  await page.reload();
  await served(page);
  return [['in one that has loaded: a start of the server to the first draft', ms(median(all))]];
}

async function seen(page: Page): Promise<z.infer<typeof Seen>> {
  await served(page);
  await page.locator('.monaco-list[aria-label="Drafts"] .monaco-list-row').nth(1).waitFor();
  return Seen.parse(await page.evaluate('window.gimoSeen'));
}

async function activation(page: Page): Promise<string> {
  await runCommand(page, 'Developer: Show Running Extensions');
  const row = page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'GIMO' });
  const text = (await row.first().locator('.activation-time').textContent()) ?? '';
  return /\d+ ?ms/.exec(text)?.[0] ?? `unknown: ${text}`;
}

/** Milliseconds after which the editor draws a tree at once when it changes; within 200 it draws it afterwards. */
const quietMs = 500;

/** From the answer to a client to the row that shows it: after a moment of quiet, and while others come. */
async function news(page: Page, place: Place, rounds: number): Promise<string[][]> {
  const { port, mac, url } = await serverOf(place.home, place.root, 0);
  const { token } = await attach(port, sha256('the bench'), mac);
  const client = createClient(httpTransport(url, token));
  const newest = async (n: number) => {
    const prompt = `News ${n} of the bench`;
    const shown = page.evaluate(`new Promise((resolve) => {
      const look = () => {
        const rows = [...document.querySelectorAll('.monaco-list[aria-label="Drafts"] .monaco-list-row')];
        if (rows.some((row) => row.textContent.includes(${JSON.stringify(prompt)}))) resolve(Date.now());
      };
      new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
    })`);
    await client.call('createDraft', { prompt });
    const answered = Date.now();
    return Number(await shown) - answered;
  };
  const alone: number[] = [];
  const close: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await wait(quietMs);
    alone.push(await newest(n));
    close.push(await newest(rounds + n));
  }
  return [
    ['an answer to a client to its row, median', ms(median(alone))],
    [`the slowest of ${rounds}`, ms(Math.max(...alone))],
    ['the same right after another row came, median', ms(median(close))],
    [`the slowest of ${rounds}`, ms(Math.max(...close))],
  ];
}

const idleMs = 20_000;

/** The processor time of the extension host while nothing happens, with a server and without. */
async function idle(page: Page, place: Place): Promise<string[][]> {
  const { pid } = await serverOf(place.home, place.root, 0);
  const spent = async () => {
    const before = ticks(pid);
    await wait(idleMs);
    return `${(((ticks(pid) - before) * 10) / (idleMs / 1000)).toFixed(1)} ms a second`;
  };
  const withServer = await spent();
  await runCommand(page, 'GIMO: Stop Server');
  await page
    .getByLabel(/the server is stopped/i)
    .first()
    .waitFor();
  return [
    ['processor time of the extension host while nothing happens', withServer],
    ['the same host without a server', await spent()],
  ];
}

/** Hundredths of a second that a process has used (proc(5): fields 14 and 15 of stat). */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
