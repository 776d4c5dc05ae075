import { realpathSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { hasCode } from '../core/system-error.ts';
import type { Programs } from '../core/work.ts';
import { liesIn } from './inside.ts';
import { pathFolders, realPathOf, variable } from './scrub.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Knows the programs of this machine.
 * @param root the workspace, absolute: what lies in it may have been written by an agent, so it is never run
 */
export function createPrograms({ root, env }: { root: string; env: Env }): Programs {
  const workspaces = () => [resolve(root), realpathSync.native(root)];
  return {
    async realPath(program) {
      if (isAbsolute(program)) return executable(program);
      // A relative path says nothing as long as nobody says relative to what.
      if (program !== basename(program) || ['', '.', '..'].includes(program)) return null;
      for (const folder of await pathFolders(env, root))
        for (const name of namesOf(program, env)) {
          const found = await executable(join(folder, name));
          if (found !== null) return found;
        }
      return null;
    },
    refused(program) {
      if (!isAbsolute(program) || !workspaces().some((folder) => liesIn(folder, program)))
        return null;
      return `${JSON.stringify(program)} lies in the workspace, where agents can write, so it is not run whatever the list says. Move the program to a place outside.`;
    },
  };
}

/** @returns the real path of a plain file that may be executed, else null */
async function executable(path: string): Promise<string | null> {
  const real = await realPathOf(path);
  if (real === null) return null;
  try {
    if (!(await stat(real)).isFile()) return null;
    await access(real, constants.X_OK);
    return real;
  } catch (error) {
    if (hasCode(error)) return null;
    throw error;
  }
}

/** The file names that a program may have: on Windows the extension is usually left out. */
function namesOf(program: string, env: Env): string[] {
  if (process.platform !== 'win32') return [program];
  const extensions = (variable(env, 'PATHEXT') ?? '.COM;.EXE').split(delimiter);
  return [program, ...extensions.map((extension) => program + extension)];
}
