/*
 * The warden of one command: a process of its own between the server and the program, so that the program ends with the
 * server however that dies. It leads a session and a group, which the program is born into; the server has noted the
 * group before it sends the task. Its standard input is a pipe that only the server holds: when that ends, the server
 * has died or wants the command to stop, and the warden ends the family. So it does when the program itself ends:
 * nothing of a command outlives its step. An entry of its own, in source and in what ships.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { systemCode } from '../core/system-error.ts';
import { endFamily } from './family.ts';
import { mark } from './scrub.ts';
import { type Report, reportFd, type Task, taskOf } from './task.ts';

const windows = process.platform === 'win32';
/** On Windows the root of what has to be ended is the program; elsewhere it is the group, which is ours. */
let root: number | null = windows ? null : process.pid;
let ending = false;
let heard = '';

if (!windows) {
  // A signal to the group is meant for the program.
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
    process.on(name, () => undefined);
}
// Whatever goes wrong in here, nobody is left behind.
process.on('uncaughtException', leave);
process.stdin.setEncoding('utf8').on('data', hear).on('end', end).on('error', end);

function hear(piece: string): void {
  heard += piece;
  if (!piece.includes('\n')) return;
  const task = taskOf(heard);
  heard = '';
  if (task === null) throw new TypeError('This is not a task.');
  begin(task);
}

function begin(task: Task): void {
  if (ending) return;
  try {
    enter(task.cwd);
    run(task);
  } catch (error) {
    finish({ failed: codeOf(error) });
  }
}

function enter(cwd: string): void {
  try {
    process.chdir(cwd);
  } catch (error) {
    throw Object.assign(new Error(), { code: `cwd:${codeOf(error)}` });
  }
  // The kernel tells the real path: nobody has put a link into the way since the server looked.
  if (!windows && process.cwd() !== cwd) throw Object.assign(new Error(), { code: 'cwd:moved' });
}

function run({ argv: [program = '', ...args], env }: Task): void {
  const child = spawn(program, args, {
    env,
    // Output goes to the server without passing through here. Descriptor 3 is not the program's to report on.
    stdio: ['ignore', 'inherit', 'inherit', 'ignore'],
    windowsHide: true,
  });
  if (windows) root = child.pid ?? null;
  child.on('error', (error) => finish({ failed: codeOf(error) }));
  child.on('exit', (exit_code, signal) => finish({ exit_code, signal }));
}

function finish(report: Report): void {
  try {
    writeSync(reportFd, `${JSON.stringify(report)}\n`);
  } catch (error) {
    // The server is gone: there is nobody to tell.
    if (codeOf(error) !== 'EPIPE') throw error;
  }
  end();
}

function end(): void {
  if (ending) return;
  ending = true;
  const { GIMO_RUN_ID: run = '' } = process.env;
  endFamily({ group: root, mark: mark(run) }).then((left) => {
    if (left.length > 0) leave();
    else process.exit();
  }, leave);
}

/** The last resort: kills the group, and with it the warden itself. */
function leave(): never {
  if (!windows) process.kill(-process.pid, 'SIGKILL');
  process.exit(1);
}

const codeOf = (error: unknown): string => systemCode(error) ?? String(error);
