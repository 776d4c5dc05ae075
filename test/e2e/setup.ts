import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureChromium } from '../../scripts/chromium.ts';
import { type CodeServer, startCodeServer } from '../../scripts/vscode-host/codeServer.ts';
import { ensureHost } from '../../scripts/vscode-host/ensure.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of a Chromium. */
    chromium: string;
    /** Where the workbench is served, without a path. */
    workbench: string;
    /** A folder that is deleted in the end, with all that the tests left in it. */
    scratch: string;
    /** Where screenshots are kept. */
    results: string;
    /** The user settings of the editor. */
    settings: string;
    /** The machine's settings, which no repository can override. */
    machineSettings: string;
  }
}

const root = path.dirname(path.dirname(import.meta.dirname));

/** Packages the extension, installs it into a real VS Code, and serves its workbench to all files of the level. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chromium = ensureChromium();
  const host = ensureHost();
  const scratch = mkdtempSync(path.join(tmpdir(), 'gimo-e2e-'));
  const results = path.join(root, 'test-results', 'e2e');
  mkdirSync(results, { recursive: true });
  let server: CodeServer | undefined;
  const teardown = async () => {
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const vsix = path.join(scratch, 'gimo.vsix');
    execFileSync('npm', ['run', '--silent', 'package', '--', '--out', vsix], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    server = await startCodeServer({ host, scratch, vsix, log: path.join(results, 'server.log') });
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide('chromium', chromium);
  project.provide('workbench', server.url);
  project.provide('settings', server.settings);
  project.provide('machineSettings', server.machineSettings);
  project.provide('scratch', scratch);
  project.provide('results', results);
  return teardown;
}
