import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { format } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { chromiumFlags, ensureChromium } from '../../../scripts/chromium.ts';
import { quietSettings, stopGroup } from '../../../scripts/vscode-host/codeServer.ts';
import { ensureHost } from '../../../scripts/vscode-host/ensure.ts';

/*
 * Looks like VS Code's desktop executable to `@vscode/test-electron`, and runs the same tests in the extension host of
 * code-server's VS Code server, with a browser for its workbench: console and exit code come back. The server's smoke
 * test driver carries them; with it, no notification shows and no dialog opens.
 */

/** What a whole run may take, in milliseconds. */
const most = 240_000;

/* What the workbench itself has to say on the console. */
const noise =
  /^(Resolv|Creating a socket|Created|\[reconnection|\[Agent|\[Account|\[Service Worker|\[driver|Ignoring fetching|Updating additional|ENOPRO|\[remote-connection|Started|Completed|Failed to register|Error: |Settings Sync|Overwriting|Loading|Extension host)/;

const options = new Map<string, string>();
const folders: string[] = [];
for (const argument of process.argv.slice(2)) {
  const [, name, value = ''] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name === undefined) folders.push(argument);
  else options.set(name, value);
}

const server = await startServer(needed(process.env.GIMO_HOST_SCRATCH, 'GIMO_HOST_SCRATCH'));
try {
  process.exitCode = await runInBrowser(server.url);
} finally {
  await server.stop();
}

async function startServer(scratch: string) {
  const host = ensureHost();
  const data = path.join(scratch, 'server');
  const home = path.join(scratch, 'home');
  for (const dir of [path.join(data, 'data', 'User'), home]) mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(data, 'data', 'User', 'settings.json'), JSON.stringify(quietSettings));
  const main = path.resolve(path.dirname(host.entry), '../../lib/vscode/out/server-main.js');
  const child = spawn(
    host.node,
    [
      ...[main, '--host', '127.0.0.1', '--port', '0', '--without-connection-token'],
      ...['--accept-server-license-terms', '--disable-telemetry', '--disable-workspace-trust'],
      ...[
        '--server-data-dir',
        data,
        '--extensions-dir',
        needed(options.get('extensions-dir'), 'extensions-dir'),
      ],
      '--enable-smoke-test-driver',
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: home, EXTENSIONS_GALLERY: '{"serviceUrl":""}' },
      // A process group of its own, so that no extension host outlives it.
      detached: true,
    },
  );
  const report = needed(process.env.GIMO_HOST_REPORT, 'GIMO_HOST_REPORT');
  const log = createWriteStream(report.replace(/\.json$/, '.server.log'));
  child.stderr.pipe(log, { end: false });
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      const [, found] = /listening on (\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The VS Code host ended with ${code}.`)));
  });
  return { url: `http://127.0.0.1:${port}`, stop: () => stopGroup(child) };
}

async function runInBrowser(url: string): Promise<number> {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: [...chromiumFlags],
  });
  let timer: NodeJS.Timeout | undefined;
  let end = (_code: number) => {};
  try {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    const ended = new Promise<number>((resolve) => {
      end = resolve;
      timer = setTimeout(() => {
        console.error(`The tests did not end within ${most / 1000} s.`);
        resolve(124);
      }, most);
    });
    await page.exposeFunction('codeAutomationExit', (code: number) => end(code));
    await passConsole(page);
    await page.goto(`${url}/?${queryFor(url)}`);
    return await ended;
  } finally {
    clearTimeout(timer);
    await browser.close();
  }
}

async function passConsole(page: Page): Promise<void> {
  await page.exposeFunction('codeAutomationLog', (_type: string, told: unknown[]) => {
    const texts = told.map((one) => (typeof one === 'string' ? one.replace(/^%c\s*/, '') : one));
    const line = format(...texts);
    if (!noise.test(line.trim())) process.stdout.write(`${line}\n`);
  });
}

function queryFor(url: string): string {
  const remote = (name: string) =>
    `vscode-remote://${new URL(url).host}${path.resolve(needed(options.get(name), name))}`;
  const payload = ['extensionDevelopmentPath', 'extensionTestsPath'].map((name) => [
    name,
    remote(name),
  ]);
  const folder = path.resolve(needed(folders[0], 'a folder'));
  return new URLSearchParams({ folder, payload: JSON.stringify(payload) }).toString();
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new Error(`${name} is missing; test/host/run.ts tells it.`);
  return value;
}
