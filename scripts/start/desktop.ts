import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Places, packageExtension, startEnv, startSettings, tellSteps } from './places.ts';
import { whenToStop } from './stopping.ts';

type Env = Readonly<Record<string, string | undefined>>;

const macCode = '/Applications/Visual Studio Code.app/Contents/Resources/app/bin/code';

/**
 * Finds the `code` command of a VS Code on this computer. In a terminal of a remote VS Code, `code` speaks to the
 * window that the terminal is in, and in WSL to Windows; neither is a VS Code to start here.
 *
 * @returns null if there is none
 */
export function findCode(env: Env, platform: NodeJS.Platform): string | null {
  if (env.VSCODE_IPC_HOOK_CLI !== undefined || env.WSL_DISTRO_NAME !== undefined) return null;
  const windows = platform === 'win32';
  const dirs = (env.PATH ?? env.Path ?? '').split(windows ? ';' : ':').filter((dir) => dir !== '');
  const found = dirs.map((dir) => path.join(dir, windows ? 'code.cmd' : 'code')).find(isProgram);
  if (found !== undefined) return found;
  return platform === 'darwin' && isProgram(macCode) ? macCode : null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/**
 * Opens the sample in a VS Code that shares nothing with the person's own: its settings, extensions and windows lie in
 * a folder of ours. Ends when its window is closed.
 */
export async function startOnDesktop(code: string, places: Places): Promise<void> {
  const vsix = packageExtension(places);
  const user = path.join(places.kept, 'desktop', 'user');
  const where = ['--user-data-dir', user];
  where.push('--extensions-dir', path.join(places.kept, 'desktop', 'extensions'));
  writeSettings(user);
  const env = { ...withoutEditor(process.env), ...startEnv };
  const installed = spawnSync(
    ...commandOf(code, [...where, '--install-extension', vsix, '--force'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  if (installed.status !== 0) throw new Error('The extension could not be installed. See above.');
  const child = spawn(
    ...commandOf(
      code,
      [...where, '--new-window', '--wait', '--skip-welcome', '--skip-release-notes', places.sample],
      { env, stdio: ['ignore', 'ignore', 'inherit'] },
    ),
  );
  whenToStop(() => {
    endEditor(user);
    child.kill();
  });
  tellSteps('GIMO opens in a window of VS Code, apart from your own settings and extensions.');
  const [status] = await once(child, 'exit');
  if (typeof status === 'number') process.exitCode = status;
}

/** A command as spawn takes it; on Windows `code` is a batch file, which needs a shell. */
function commandOf(
  code: string,
  args: string[],
  options: SpawnOptions,
): [string, string[], SpawnOptions] {
  if (process.platform !== 'win32') return [code, args, options];
  return [`"${code}"`, args.map((arg) => `"${arg}"`), { ...options, shell: true }];
}

function writeSettings(user: string): void {
  const file = path.join(user, 'User', 'settings.json');
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(startSettings, null, 2));
}

/** What a terminal inside an editor adds would lead to that editor. */
function withoutEditor(env: Env): Record<string, string | undefined> {
  const others = Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_)/.test(name));
  return Object.fromEntries(others);
}

/** Ends the editor that runs on our folder; `code --wait` only waits for it. VS Code keeps its process id there. */
function endEditor(user: string): void {
  const file = path.join(user, 'code.lock');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  if (!Number.isInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
