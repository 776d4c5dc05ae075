import { execFile, spawn } from 'node:child_process';
import { devNull } from 'node:os';
import { dirname } from 'node:path';

/*
 * Git for looking only, in a repository that someone else may have written. Its .git/config must not be able to start
 * a program: `status` would run a file system monitor, hooks (the index changes), clean filters, the submodules'
 * own configuration, and a transport if objects are missing. Each of these is turned off here.
 */
const safe = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['protocol.allow', 'never'],
  ['status.submoduleSummary', 'false'],
  ['submodule.recurse', 'false'],
] as const;

const mostOutput = 64 * 1024 * 1024;
const longestMs = 15_000;

/** Looks into one folder with git. Every method answers null where git is missing or does not want to. */
export interface GitLook {
  /** The branch, null if there is none. */
  branch(signal?: AbortSignal): Promise<string | null>;
  /** Paths of files that git knows or would add, relative to the folder, with `/`. */
  files(signal?: AbortSignal): Promise<string[] | null>;
  /** Paths of files that differ from the last commit, relative to the top of the repository. */
  changed(signal?: AbortSignal): Promise<string[] | null>;
}

/** Makes the look at `root`, an absolute path. Nothing is run before it is asked. */
export function createGitLook(root: string): GitLook {
  const git = gitIn(root);
  return {
    async branch(signal) {
      const name = await git(['symbolic-ref', '--quiet', '--short', 'HEAD'], signal);
      return name === null || name.trim() === '' ? null : name.trim();
    },
    async files(signal) {
      const found = await git(
        ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        signal,
      );
      return found === null ? null : parts(found);
    },
    async changed(signal) {
      const filters = await filterKeys(git, signal);
      if (filters === null) return null;
      const status = ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=all'];
      const found = await git(
        [...overrides(filters), ...status, '--ignore-submodules=all', '--', '.'],
        signal,
      );
      // Two letters and a space stand before each path; without renames a path is one part.
      return found === null ? null : parts(found).map((entry) => entry.slice(3));
    },
  };
}

/** Runs git in `root`, with nothing that a configuration there could start. Answers as {@link run} does. */
export function gitIn(root: string) {
  return (args: readonly string[], signal?: AbortSignal) => run(lookIn(root, args), signal);
}

const lookIn = (root: string, args: readonly string[]): string[] => [
  ...['--no-pager', '--literal-pathspecs', '-C', root],
  ...overrides(safe),
  ...args,
];

const overrides = (settings: Iterable<readonly [string, string]>): string[] =>
  [...settings].flatMap(([key, value]) => ['-c', `${key}=${value}`]);

export const parts = (text: string): string[] => text.split('\0').filter((part) => part !== '');

/**
 * Settings that switch off every filter driver that any configuration names. Reading the configuration runs nothing.
 *
 * @returns null if one has a name that cannot be overridden on the command line: then git had better not look
 */
async function filterKeys(
  git: (args: readonly string[], signal?: AbortSignal) => Promise<string | null>,
  signal?: AbortSignal,
): Promise<[string, string][] | null> {
  const found = await git(['config', '--list', '--name-only', '-z'], signal);
  if (found === null) return null;
  const drivers = new Set(
    parts(found).flatMap((key) => /^filter\.([\s\S]*)\.[^.]+$/i.exec(key)?.[1] ?? []),
  );
  if ([...drivers].some((name) => /[=\n]/.test(name))) return null;
  return [...drivers].flatMap((name): [string, string][] => [
    [`filter.${name}.clean`, ''],
    [`filter.${name}.smudge`, ''],
    [`filter.${name}.process`, ''],
    [`filter.${name}.required`, 'false'],
  ]);
}

/** The environment without anything that directs git, and with what keeps it from asking, fetching and writing. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^git_/i.test(name));
  return {
    ...Object.fromEntries(kept),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    LC_ALL: 'C',
  };
}

/**
 * Runs git until it has printed so much.
 * @returns at most `most` bytes; null as {@link run}
 */
export function firstOfGit(
  root: string,
  args: readonly string[],
  most: number,
): Promise<{ bytes: Buffer; whole: boolean } | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', lookIn(root, args), {
      ...surroundings(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > most) child.kill('SIGKILL');
    });
    child.on('error', (error) => {
      if ('code' in error && error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
    child.on('close', (code) => {
      if (code !== 0 && size <= most) resolve(null);
      else resolve({ bytes: Buffer.concat(chunks).subarray(0, most), whole: size <= most });
    });
  });
}

const surroundings = () => ({
  // Windows looks for the program in the working folder first, so it must not be the repository.
  cwd: dirname(process.execPath),
  env: environment(),
  timeout: longestMs,
  windowsHide: true,
});

/** @returns what git printed; null if there is no git or it ended with an error (no repository, not trusted, too slow) */
function run(args: readonly string[], signal?: AbortSignal): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const options = {
      ...surroundings(),
      maxBuffer: mostOutput,
      ...(signal === undefined ? {} : { signal }),
    };
    const child = execFile('git', args, options, (error, stdout) => {
      if (signal?.aborted === true) reject(signal.reason);
      else resolve(error === null ? stdout : null);
    });
    child.stdin?.end();
  });
}
