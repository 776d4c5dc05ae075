import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from '../core/system-error.ts';

/** A process that runs (a zombie does not). */
export interface Process {
  pid: number;
  /** Its process group. */
  group: number;
  /** Its session; null where the system does not tell. */
  session: number | null;
  /** When it began, in a form that is only good for comparing: it tells a process from a later one with the same id. */
  started: string;
}

/** A look at everything that runs on this machine. It takes a while, and meanwhile processes begin and end. */
export interface Look {
  running: Process[];
  /** Those that have ended, some of them only just now: what they have begun last may be missing from `running`. */
  ended: number[];
}

/** Not for Windows. */
export async function lookAround(): Promise<Look> {
  if (process.platform !== 'linux') return listed(['-A']);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(processOfLinux));
  return {
    running: found.filter((one) => one !== null),
    ended: pids.filter((_, at) => found[at] === null),
  };
}

/** @returns null if nothing with this id runs. Not for Windows. */
export async function processAt(pid: number): Promise<Process | null> {
  if (process.platform === 'linux') return processOfLinux(pid);
  return (await listed(['-p', String(pid)])).running[0] ?? null;
}

/**
 * Whether a process has this in the environment that it was begun with (`NAME=value`). Only Linux tells; elsewhere no.
 * @returns null if it cannot be told in this moment
 */
export async function carries(
  { pid, session }: Pick<Process, 'pid' | 'session'>,
  mark: string,
): Promise<boolean | null> {
  if (process.platform !== 'linux') return false;
  const environment = await readProc(`/proc/${pid}/environ`);
  if (environment !== '') return environment !== null && `\0${environment}`.includes(`\0${mark}\0`);
  // Threads of the kernel have none. A process has neither environment nor arguments while it becomes another program.
  if (session === 0) return false;
  if ((await readProc(`/proc/${pid}/cmdline`)) === '') return null;
  return (await readProc(`/proc/${pid}/environ`)) === '' ? false : null;
}

/* proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses, so count from the last one. */
async function processOfLinux(pid: number): Promise<Process | null> {
  const text = await readProc(`/proc/${pid}/stat`);
  if (text === null) return null;
  // What follows the name begins with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group, session] = fields;
  if ('ZXx'.includes(state)) return null;
  return { pid, group: Number(group), session: Number(session), started: fields[19] ?? '' };
}

/** @returns null if the process is gone, or belongs to someone else */
async function readProc(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
}

const run = promisify(execFile);

/** What ps(1) tells, in the columns that POSIX and the BSDs share. Exported to be tried where /proc is used instead. */
export async function listed(which: readonly string[]): Promise<Look> {
  const columns = ['pid', 'pgid', 'stat', 'lstart'].flatMap((name) => ['-o', `${name}=`]);
  // The form of lstart depends on locale and time zone: both are pinned.
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC0' };
  const made = run('ps', [...which, ...columns], { env, maxBuffer: 2 ** 26 });
  // It ends with 1 if there is no such process.
  const { stdout } = await made.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 1) return { stdout: '' };
    throw error;
  });
  const look: Look = { running: [], ended: [] };
  for (const line of stdout.split('\n')) {
    const [, id, group, state = '', started = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)/.exec(line) ?? [];
    const pid = Number(id);
    // The ps that was asked is in the list, too, and gone when it is read.
    if (id === undefined || pid === made.child.pid) continue;
    if (state.startsWith('Z')) look.ended.push(pid);
    else look.running.push({ pid, group: Number(group), session: null, started });
  }
  return look;
}
