import { realpath, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { GimoError } from '../contract/errors.ts';
import type { CommandStep, Config } from '../contract/records.ts';
import { commandRefused } from '../core/commands.ts';
import type { Programs } from '../core/work.ts';
import { liesIn } from './inside.ts';
import { closedFolders } from './place.ts';
import { commandEnv, realPathOf } from './scrub.ts';
import type { Task } from './task.ts';

export interface CommandOptions {
  /** The workspace, absolute. */
  root: string;
  /** Asked anew for each command: what was allowed when it was approved may not be any more. */
  config: () => Pick<Config, 'command_allowlist'>;
  programs: Programs;
  /** What commands get a part of. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Checks a command right before it runs: whether it may, and where.
 * @throws GimoError `step_unsupported`, `path_refused`
 */
export async function prepareCommand(
  step: CommandStep,
  runId: string,
  { root, config, programs, env }: CommandOptions,
): Promise<Task> {
  const { argv } = step;
  const why =
    unfit(argv) ??
    commandRefused(step, config().command_allowlist) ??
    programs.refused(argv[0] ?? '') ??
    (await moved(argv[0] ?? '', programs));
  if (why !== null) throw new GimoError('step_unsupported', why);
  return { argv, cwd: await folderOf(step, root), env: await commandEnv({ env, root, runId }) };
}

/** What cannot be handed to a program as it was approved, byte for byte. */
function unfit(argv: readonly string[]): string | null {
  if (argv.every((part) => !part.includes('\0') && part.isWellFormed())) return null;
  return 'The command line holds a null character or half a character, which no program can be given. Propose it again without.';
}

async function moved(program: string, programs: Programs): Promise<string | null> {
  const real = await programs.realPath(program);
  if (real === program) return null;
  const name = JSON.stringify(program);
  if (real === null)
    return `${name} cannot be run: the file is missing, or it may not be executed. Install it, or propose another command.`;
  return `${name} leads to ${JSON.stringify(real)} now, which nobody has allowed. Add that to command_allowlist if it should be run.`;
}

/** The real path of the folder that a command runs in. */
async function folderOf({ cwd = '.' }: CommandStep, root: string): Promise<string> {
  const top = await realpath(root);
  const real = await realPathOf(resolve(root, cwd));
  const name = JSON.stringify(cwd);
  if (real === null) throw refused(`There is no folder ${name} for the command to run in.`);
  if (!liesIn(top, real))
    throw refused(`${name} lies outside of the workspace, so no command runs there.`);
  const parts = relative(top, real).toLowerCase().split(sep);
  if (parts.some((part) => closedFolders.has(part)))
    throw refused(`${name} belongs to git or to GIMO itself, so no command runs there.`);
  if (!(await stat(real)).isDirectory())
    throw refused(`${name} is not a folder, so no command can run there.`);
  return real;
}

const refused = (why: string) =>
  new GimoError('path_refused', `${why} Propose it again with a cwd in the workspace.`);
