import type { Issue } from '../contract/errors.ts';
import type { CommandStep, Config } from '../contract/records.ts';
import type { Programs } from './work.ts';

type Allowlist = Config['command_allowlist'];

/**
 * Says why a command is not on the allowlist: its program has to be an entry's, as an absolute path, and its arguments
 * have to begin with that entry's. An empty list allows nothing.
 *
 * @returns a sentence or two for a person, null if the command is allowed
 */
export function commandRefused(
  { argv }: Pick<CommandStep, 'argv'>,
  allowlist: Allowlist,
): string | null {
  const [program = '', ...args] = argv;
  if (!isAbsolute(program))
    return `${named(program)} does not say which program is meant. Write its absolute path, and add it to command_allowlist if it is not there.`;
  const entries = allowlist.filter((entry) => entry.program === program);
  if (entries.length === 0)
    return `${named(program)} is not on the list of programs that may be run. Add it to command_allowlist if it should be.`;
  if (entries.some(({ args_prefix: prefix }) => begins(args, prefix))) return null;
  const prefixes = entries.map(({ args_prefix: prefix }) => JSON.stringify(prefix)).join(' or ');
  return `${named(program)} may be run only with arguments that begin with ${prefixes}. Add these arguments to command_allowlist if they should be allowed.`;
}

/**
 * The step as a person is to see it: a program that is written as a name or through a link is replaced by its real path,
 * if that may be run with these arguments. Otherwise the step stays as it is.
 */
export async function resolveCommand(
  step: CommandStep,
  allowlist: Allowlist,
  programs: Pick<Programs, 'realPath'>,
): Promise<CommandStep> {
  const [program = '', ...args] = step.argv;
  // Looked for only where the answer can matter.
  if (allowlist.length === 0 || commandRefused(step, allowlist) === null) return step;
  const real = await programs.realPath(program);
  if (real === null) return step;
  const resolved = { ...step, argv: [real, ...args] };
  return commandRefused(resolved, allowlist) === null ? resolved : step;
}

/** Checks a new allowlist. @returns what is wrong with it: nothing, if it may be put in force */
export async function checkAllowlist(list: Allowlist, programs: Programs): Promise<Issue[]> {
  const issues = await Promise.all(
    list.map(async ({ program }, index): Promise<Issue[]> => {
      const msg = await unfit(program, programs);
      if (msg === null) return [];
      return [{ type: 'value_error', loc: ['body', 'command_allowlist', index, 'program'], msg }];
    }),
  );
  return issues.flat();
}

async function unfit(program: string, programs: Programs): Promise<string | null> {
  if (!isAbsolute(program)) return 'A program has to be named by its absolute path.';
  const real = await programs.realPath(program);
  if (real === null)
    return 'There is no such program: the file is missing, or it may not be executed.';
  // Of the real path first: a link may be made to lead elsewhere later, so that path has to be the one that is allowed.
  const refused = programs.refused(real) ?? programs.refused(program);
  if (refused !== null) return refused;
  if (real === program) return null;
  return `This is not the program's real path. Allow ${named(real)} instead.`;
}

/** On either kind of system: what is absolute on the other one is nobody's program here. */
const isAbsolute = (path: string) => /^(?:\/|[a-z]:[\\/]|\\\\)/i.test(path);

const begins = (args: readonly string[], prefix: readonly string[]) =>
  prefix.length <= args.length && prefix.every((part, at) => args[at] === part);

const named = (program: string) => JSON.stringify(program);
