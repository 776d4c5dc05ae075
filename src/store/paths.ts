import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { sha256 } from '../core/hash.ts';
import { hasCode } from '../core/system-error.ts';
import { storageError } from './files.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Where GIMO keeps what must not lie in a workspace: `GIMO_CONFIG_HOME` as it is, else `gimo` in the user's
 * configuration directory. Creates nothing.
 */
export function configHome(
  env: Env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const own = env.GIMO_CONFIG_HOME;
  if (own !== undefined && own !== '') return resolve(own);
  return join(userConfig(env, platform, home), 'gimo');
}

function userConfig(env: Env, platform: NodeJS.Platform, home: string): string {
  if (platform === 'win32') return env.APPDATA || join(home, 'AppData', 'Roaming');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  // XDG Base Directory Specification: a relative path is to be ignored.
  const xdg = env.XDG_CONFIG_HOME;
  return xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, '.config');
}

/** The data directory of a workspace folder. */
export function dataDirOf(root: string): string {
  return join(root, '.orch_data');
}

/**
 * The ledger of a data directory: named after the SHA-256 of its real path, so that every way that leads to the
 * directory leads to one ledger. Creates nothing: of a directory that does not exist yet, it is the path that it will
 * have.
 */
export function ledgerDir(home: string, dataDir: string): string {
  return join(home, sha256(realPath(resolve(dataDir))));
}

function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path)
      throw storageError(error, 'the data directory');
    return join(realPath(dirname(path)), basename(path));
  }
}
