/*
 * What the server and the warden of a command say to each other, a line of JSON each: the task into the warden's
 * standard input, the report out of its descriptor 3. Imports nothing: the warden should be there at once.
 */

/** What a warden is to run. */
export interface Task {
  /** The program, as an absolute path, and its arguments. */
  argv: string[];
  /** A folder's real path. */
  cwd: string;
  /** The whole environment. */
  env: Record<string, string>;
}

/** How a program ended, or the system's code for why it could not be started. */
export type Report = { exit_code: number | null; signal: string | null } | { failed: string };

/** The descriptor that a warden reports on. */
export const reportFd = 3;

/** @returns null if it is not a task */
export function taskOf(line: string): Task | null {
  const value: unknown = JSON.parse(line);
  if (!isObject(value) || !('argv' in value && 'cwd' in value && 'env' in value)) return null;
  const { argv, cwd, env } = value;
  if (!Array.isArray(argv) || !argv.every(isText) || argv.length === 0 || !isText(cwd)) return null;
  if (!isObject(env)) return null;
  const variables = Object.entries(env).filter((pair): pair is [string, string] => isText(pair[1]));
  return { argv, cwd, env: Object.fromEntries(variables) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
