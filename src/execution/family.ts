import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../core/system-error.ts';
import { carries, lookAround, type Process } from './processes.ts';

/** How long a program may take to end after it was asked to (SIGTERM), before it is killed, in milliseconds. */
export const graceMs = 2000;
/** How long killed processes may take to be gone; one that waits for a disk or a network may take for ever. */
const killedMs = 5000;

/**
 * The processes of a command. A process can leave its group and its session, as a daemon or `timeout` does, so where the
 * system tells they are known by their environment too.
 */
export interface Family {
  /**
   * The id of their group and session, which is that of the warden; on Windows the process at the root of their tree.
   * Null if it is not sure that the group is still theirs.
   */
  group: number | null;
  /** What stands in the environment of each (`NAME=value`). */
  mark: string;
}

/** How often a look is taken again that may have missed somebody. On a busy machine some process always ends. */
const mostLooks = 20;
/** ps(1) does not tell who has ended while it looked. */
const leastLooks = process.platform === 'linux' ? 1 : 2;

/**
 * Who of a family runs, but for this process itself. Not for Windows.
 *
 * A process that has begun another and ended in the middle of a look may hide both: it is not there any more, and the
 * other not yet. So that nobody is there is believed only of a look in which nobody ended.
 */
async function membersOf(family: Family): Promise<Process[]> {
  let before = new Set<number>();
  for (let looks = 1; ; looks++) {
    const { running, ended } = await lookAround();
    const others = running.filter(({ pid }) => pid !== process.pid);
    const belongs = await Promise.all(others.map((one) => isMember(one, family)));
    const members = others.filter((_, at) => belongs[at] === true);
    const calm = !belongs.includes(null) && ended.every((pid) => before.has(pid));
    if (members.length > 0 || (calm && looks >= leastLooks) || looks === mostLooks) return members;
    before = new Set(ended);
  }
}

async function isMember(one: Process, { group, mark }: Family): Promise<boolean | null> {
  if (group !== null && (one.group === group || one.session === group)) return true;
  return carries(one, mark);
}

/**
 * Ends a family: asks its processes to end, kills those that are left after `grace` milliseconds, and waits until they
 * are gone.
 *
 * @returns the ids of those that would not go; none, unless the system keeps them
 */
export async function endFamily(family: Family, grace = graceMs): Promise<number[]> {
  if (process.platform === 'win32') {
    if (family.group !== null) await endTree(family.group);
    return [];
  }
  let left = await membersOf(family);
  if (left.length > 0 && grace > 0) {
    signal(family, left, 'SIGTERM');
    left = await untilGone(family, grace);
  }
  // What a process has begun in the moment of its end is found by the next look.
  for (const until = Date.now() + killedMs; left.length > 0 && Date.now() < until; ) {
    signal(family, left, 'SIGKILL');
    left = await untilGone(family, 200);
  }
  // A look may miss a group in which somebody always ends; the system, told to kill the group, misses nobody.
  const { group } = family;
  if (group !== null && group !== process.pid) send(-group, 'SIGKILL');
  return left.map(({ pid }) => pid);
}

/** There is no event for the end of a process that is not our child, so this looks, less and less often. */
async function untilGone(family: Family, ms: number): Promise<Process[]> {
  const until = Date.now() + ms;
  for (let pause = 10; ; pause = Math.min(pause * 2, 200)) {
    const left = await membersOf(family);
    const rest = until - Date.now();
    if (left.length === 0 || rest <= 0) return left;
    await delay(Math.min(pause, rest));
  }
}

function signal({ group }: Family, members: readonly Process[], name: NodeJS.Signals): void {
  // To the whole group at once, so that nobody in it escapes by beginning another; but the warden must not kill itself
  // before it has ended those who left the group.
  const whole = group !== null && !(group === process.pid && name === 'SIGKILL');
  if (whole) send(-group, name);
  for (const one of members) if (!whole || one.group !== group) send(one.pid, name);
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch (error) {
    // It is gone, or it runs as another user: whether it is gone is looked at afterwards.
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/** Ends a process of Windows and those that it has begun. */
function endTree(pid: number): Promise<void> {
  const taskkill = join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'taskkill.exe');
  return new Promise((resolve) => {
    // It fails if the process is gone, and there is nothing else that could be done.
    execFile(taskkill, ['/T', '/F', '/PID', String(pid)], { windowsHide: true }, () => resolve());
  });
}
