import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { HostFiles } from '../../scripts/vscode-host/ensure.ts';

/** A quiet workbench: nothing that covers what is tested, nothing that reaches for the network. */
export const quietSettings: Readonly<Record<string, unknown>> = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.restoreWindows': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

export interface CodeServer {
  url: string;
  /** Path of the user settings. */
  settings: string;
  /** Path of the settings of this machine, the only ones that hold what no repository may set. */
  machineSettings: string;
  stop(): Promise<void>;
}

interface CodeServerOptions {
  host: HostFiles;
  scratch: string;
  vsix: string;
  /** Where its output goes. */
  log: string;
}

/** Starts a real VS Code that a browser shows, with the packaged extension installed. It listens on loopback. */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  const { host, scratch, vsix } = options;
  const dir = (name: string) => {
    const made = path.join(scratch, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const settings = path.join(dir('user/User'), 'settings.json');
  writeFileSync(settings, JSON.stringify(quietSettings));
  const machineSettings = path.join(dir('user/Machine'), 'settings.json');
  const home = dir('home');
  const { VSCODE_IPC_HOOK_CLI: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local/share'),
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    GIMO_CONFIG_HOME: dir('ledger'),
    GIMO_FIRST_PROVIDER: 'offline',
  };
  const where = ['--user-data-dir', dir('user'), '--extensions-dir', dir('extensions')];
  execFileSync(host.node, [host.entry, ...where, '--install-extension', vsix], {
    env,
    // Its complaints are shown only if it fails: then they stand in the error.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const port = await freePort();
  const out = openSync(options.log, 'w');
  const child = spawn(host.node, [host.entry, ...where, ...quietArguments(port)], {
    env,
    stdio: ['ignore', out, out],
    // A process group of its own, so that no extension host outlives it.
    detached: true,
  });
  closeSync(out);
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy(url, child, options.log);
  } catch (error) {
    await stopGroup(child);
    throw error;
  }
  return { url, settings, machineSettings, stop: () => stopGroup(child) };
}

function quietArguments(port: number): string[] {
  return [
    ...['--bind-addr', `127.0.0.1:${port}`, '--auth', 'none'],
    ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
  ];
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

/** There is no event for "it listens now" from another program, so this asks until it answers, for 30 s at most. */
async function untilHealthy(url: string, child: ChildProcess, log: string): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while (child.exitCode === null && !deadline.aborted) {
    const answer = await fetch(`${url}/healthz`, { signal: deadline }).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The VS Code host did not start; ${log} tells why.`);
}

async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  signalGroup(child.pid, 'SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
  await gone;
  clearTimeout(timer);
  signalGroup(child.pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
