import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, resolve } from 'node:path';
import { hasCode } from '../core/system-error.ts';
import { liesIn } from './inside.ts';

type Env = Readonly<Record<string, string | undefined>>;

const windows = process.platform === 'win32';

/** What a program needs to find its way, and no more: whatever else the environment holds may be a secret. */
const kept = new Set([
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TMPDIR', 'TEMP', 'TMP'],
  ...(windows
    ? ['SYSTEMROOT', 'COMSPEC', 'PATHEXT', 'APPDATA', 'LOCALAPPDATA', 'USERPROFILE']
    : []),
]);

/** What stands in the environment of every process of a run's command, so that they can be found by it. */
export const mark = (runId: string): string => `GIMO_RUN_ID=${runId}`;

/**
 * The environment that a command runs in. It says nothing of a CI: a command is to do what the same line does in a
 * terminal. That nobody answers, a program sees by its standard input.
 */
export async function commandEnv(given: {
  env: Env;
  root: string;
  runId: string;
}): Promise<Record<string, string>> {
  const { env, root, runId } = given;
  const scrubbed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    // Windows does not tell upper case from lower.
    const plain = windows ? name.toUpperCase() : name;
    if (value !== undefined && (kept.has(plain) || plain.startsWith('LC_'))) scrubbed[name] = value;
  }
  const folders = await pathFolders(env, root);
  return {
    ...scrubbed,
    ...(folders.length === 0 ? {} : { PATH: folders.join(delimiter) }),
    TERM: 'dumb',
    GIMO_RUN_ID: runId,
  };
}

/**
 * The folders of the PATH without those that lead into the workspace, where agents can write, and without relative ones,
 * which lead there as well.
 */
export async function pathFolders(env: Env, root: string): Promise<string[]> {
  const real = await realpath(root);
  const folders = (variable(env, 'PATH') ?? '').split(delimiter).filter(isAbsolute);
  const found = await Promise.all(
    folders.map(async (folder) => {
      const leads = await realPathOf(folder);
      const inside = leads === null || liesIn(real, leads) || liesIn(resolve(root), folder);
      return inside ? [] : [folder];
    }),
  );
  return found.flat();
}

/** A variable of an environment, by its name as the system compares names. */
export function variable(env: Env, name: string): string | undefined {
  if (!windows) return env[name];
  return Object.entries(env).find(([key]) => key.toUpperCase() === name)?.[1];
}

/** @returns null if the path leads nowhere that could be told */
export async function realPathOf(path: string): Promise<string | null> {
  if (path.includes('\0')) return null;
  try {
    return await realpath(path);
  } catch (error) {
    if (hasCode(error)) return null;
    throw error;
  }
}
