import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';

const run = promisify(execFile);

/**
 * Listens on 127.0.0.1.
 *
 * @param port exactly this one (0: any), or with `prefer` this one if it is free
 * @returns the port
 * @throws GimoError `conflict_state` that says who has the port
 */
export async function listen(server: Server, port: number | { prefer: number }): Promise<number> {
  const wanted = typeof port === 'number' ? port : port.prefer;
  try {
    await listenOn(server, wanted);
  } catch (error) {
    if (!isTaken(error)) throw error;
    if (typeof port === 'number') throw await taken(wanted, error);
    await listenOn(server, 0);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

async function listenOn(server: Server, port: number) {
  server.listen(port, '127.0.0.1');
  // `once` rejects when the server emits an error instead.
  await once(server, 'listening');
}

const Errno = z.looseObject({ code: z.string() });
const isTaken = (error: unknown) => {
  const code = Errno.safeParse(error).data?.code;
  return code === 'EADDRINUSE' || code === 'EACCES';
};

async function taken(port: number, cause: unknown) {
  return new GimoError(
    'conflict_state',
    `Port ${port} cannot be used: ${await holderOf(port)} has it. Stop that, or choose another port (0 takes any free one).`,
    { cause },
  );
}

/** Who listens on a port, as far as the system tells. */
async function holderOf(port: number): Promise<string> {
  const lookUps: [string, string[], RegExp][] = [
    ['ss', ['-Hltnp', `sport = :${port}`], /users:\(\("(?<name>[^"]+)",pid=(?<pid>\d+)/],
    ['lsof', ['-nP', '-Fpc', `-iTCP:${port}`, '-sTCP:LISTEN'], /p(?<pid>\d+)\nc(?<name>.+)/],
  ];
  for (const [program, args, pattern] of lookUps) {
    const found = pattern.exec(await outputOf(program, args))?.groups;
    if (found?.pid !== undefined)
      return `${(await programOf(found.pid)) ?? found.name} (process ${found.pid})`;
  }
  return 'another program';
}

/**
 * The program of a process by its command line, where there is a /proc: tools that list sockets tell the name of a
 * thread, which for Node is "MainThread".
 */
async function programOf(pid: string): Promise<string | undefined> {
  try {
    return programName((await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0'));
  } catch (error) {
    // Not Linux, or the process has ended: then the other name has to do.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/**
 * What people call a program: the base name of what was started, and for Node the script as well.
 *
 * @param argv as /proc has it; some programs write a title of their own there, in one piece
 */
export function programName([program = '', ...args]: readonly string[]): string | undefined {
  const [title = ''] = program.split(/:? /);
  const name = path.basename(title);
  if (name === '') return undefined;
  if (!/^node(js)?$/.test(name)) return name;
  const first = args.findIndex((arg) => !arg.startsWith('-'));
  // After -e or -p stands code, not the name of a script.
  const isCode = /^-(e|p|pe|-eval|-print)$/.test(args[first - 1] ?? '');
  const script = isCode ? '' : path.basename(args[first] ?? '');
  return script === '' ? name : `${name} ${script}`;
}

/** What a program prints; nothing if it is not installed or finds nothing, for it only helps to word an error. */
async function outputOf(program: string, args: string[]): Promise<string> {
  try {
    return (await run(program, args, { timeout: 2000 })).stdout;
  } catch (error) {
    if (error instanceof Error) return '';
    throw error;
  }
}

/** Stops listening, ends the connections that are left after `grace` milliseconds, and waits for all of them. */
export async function close(server: Server, grace: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}
