import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hasCode } from '../core/system-error.ts';
import { readJson } from './files.ts';

/** Who holds a claim. The start time tells a process from a later one with the same id; null if it is not known. */
export const Holder = z.object({
  host: z.string(),
  pid: z.int().positive(),
  process_started: z.string().nullable(),
  epoch: z.int().positive(),
  claimed_at: z.string(),
});
export type Holder = z.infer<typeof Holder>;

/** @returns null if there is none that can be read */
export async function readHolder(path: string): Promise<Holder | null> {
  return Holder.safeParse(await readJson(path)).data ?? null;
}

const run = promisify(execFile);

/**
 * When a process of this host began, in a form that is only good for comparing.
 * @returns null if there is no such process or the system does not tell
 */
export async function processStarted(pid: number): Promise<string | null> {
  if (process.platform === 'linux') return startedLinux(pid);
  // The form of lstart depends on locale and time zone, which differ between processes: both are pinned.
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC0' };
  const [program, args] =
    process.platform === 'win32'
      ? ([
          'powershell.exe',
          ['-NoProfile', '-NonInteractive', '-Command', startTimeOf(pid)],
        ] as const)
      : (['ps', ['-o', 'lstart=', '-p', String(pid)]] as const);
  try {
    const { stdout } = await run(program, args, { env, timeout: 10_000, windowsHide: true });
    return stdout.trim() || null;
  } catch (error) {
    // It ended with a status (no such process), took too long, or is not installed: not known.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

const startTimeOf = (pid: number) =>
  `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToUniversalTime().Ticks`;

/* proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses, so count from the last one. */
function startedLinux(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22, starttime; what follows the name begins with field 3.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return null;
    throw error;
  }
}

/** Describes this process as the holder of an epoch. */
export async function describeSelf(epoch: number): Promise<Holder> {
  return {
    host: hostname(),
    pid: process.pid,
    process_started: await processStarted(process.pid),
    epoch,
    claimed_at: new Date().toISOString(),
  };
}

/**
 * Tells whether a holder's process still lives. Where the start time cannot be told, a process id in use counts as
 * alive: to wait in vain does less harm than two writers.
 */
export async function holderState(holder: Holder): Promise<'alive' | 'dead' | 'elsewhere'> {
  if (holder.host !== hostname()) return 'elsewhere';
  if (!pidInUse(holder.pid)) return 'dead';
  const started = await processStarted(holder.pid);
  if (started === null || holder.process_started === null)
    return pidInUse(holder.pid) ? 'alive' : 'dead';
  return started === holder.process_started ? 'alive' : 'dead';
}

/** Tells whether any process has this id now. */
export function pidInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (hasCode(error, 'EPERM')) return true;
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}
