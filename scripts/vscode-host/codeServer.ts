import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import type { HostFiles } from './ensure.ts';

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
  /** Where it listens, without a path; of no use with a socket. */
  url: string;
  /** Path of the user settings. */
  settings: string;
  /** Path of the settings of this machine, the only ones that hold what no repository may set. */
  machineSettings: string;
  /** Resolves when it has ended, by itself or not. */
  ended: Promise<unknown>;
  stop(): Promise<void>;
}

interface CodeServerOptions {
  host: HostFiles;
  /** The folder that it keeps everything in. */
  scratch: string;
  vsix: string;
  /** Where its output goes. */
  log: string;
  /** A Unix socket to listen on, which nobody but this user can open; a free port of loopback if left out. */
  socket?: string;
  /** The user settings, unless there are some already. */
  settings?: Readonly<Record<string, unknown>>;
  /** Set beside what is inherited. */
  env?: Readonly<Record<string, string>>;
  /** For the Node that runs it; its extension hosts get them as well. */
  nodeArguments?: readonly string[];
}

/** Starts a real VS Code that a browser shows, with the packaged extension installed. It listens on this computer only. */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  const { host, scratch, vsix } = options;
  const dir = (name: string) => {
    const made = path.join(scratch, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const settings = path.join(dir('user/User'), 'settings.json');
  if (!existsSync(settings))
    writeFileSync(settings, JSON.stringify(options.settings ?? quietSettings, null, 2));
  const machineSettings = path.join(dir('user/Machine'), 'settings.json');
  const home = dir('home');
  const { VSCODE_IPC_HOOK_CLI: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local/share'),
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    GIMO_FIRST_PROVIDER: 'offline',
    ...(options.env ?? { GIMO_CONFIG_HOME: dir('ledger') }),
  };
  const where = ['--user-data-dir', dir('user'), '--extensions-dir', dir('extensions')];
  execFileSync(host.node, [host.entry, ...where, '--install-extension', vsix, '--force'], {
    env,
    // Its complaints are shown only if it fails: then they stand in the error.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { socket } = options;
  const port = socket === undefined ? await freePort() : 0;
  if (socket !== undefined) rmSync(socket, { force: true });
  const out = openSync(options.log, 'w');
  const own = [...(options.nodeArguments ?? []), host.entry];
  const child = spawn(host.node, [...own, ...where, ...quietArguments(socket ?? port)], {
    env,
    stdio: ['ignore', out, out],
    // A process group of its own, so that no extension host outlives it.
    detached: true,
  });
  closeSync(out);
  const ended = once(child, 'exit');
  try {
    await untilHealthy(socket ?? port, child, options.log);
  } catch (error) {
    await stopGroup(child);
    throw error;
  }
  const url = `http://127.0.0.1:${port}`;
  return { url, settings, machineSettings, ended, stop: () => stopGroup(child) };
}

function quietArguments(where: string | number): string[] {
  const listen =
    typeof where === 'string'
      ? ['--socket', where, '--socket-mode', '600']
      : ['--bind-addr', `127.0.0.1:${where}`];
  return [
    ...[...listen, '--auth', 'none'],
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
async function untilHealthy(
  where: string | number,
  child: ChildProcess,
  log: string,
): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while (child.exitCode === null && !deadline.aborted) {
    if (await isHealthy(where)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The VS Code host did not start; ${log} tells why.`);
}

function isHealthy(where: string | number): Promise<boolean> {
  const target = typeof where === 'string' ? { socketPath: where } : { port: where };
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', path: '/healthz', timeout: 5000, ...target }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

/** Ends a process that leads a group of its own, and whatever of the group is left. */
export async function stopGroup(child: ChildProcess): Promise<void> {
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
