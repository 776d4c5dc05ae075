import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { watchEvents } from '../../../src/client/events.ts';
import type { RunStatus } from '../../../src/contract/records.ts';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';

/*
 * The command line as a process of its own, at a real terminal or without one, against a real server. It is bundled for
 * the test as it is to ship, without the server, so that nothing has to be built before.
 */

const repository = join(import.meta.dirname, '../../..');

async function bundle(outdir: string): Promise<string> {
  await build({
    ...{ absWorkingDir: repository, entryPoints: ['src/cli.ts'], outdir, bundle: true },
    ...{ platform: 'node', format: 'esm', target: 'node20', outExtension: { '.js': '.mjs' } },
    external: ['./http/host.ts'],
    splitting: true,
    banner: {
      js: "import{createRequire as gimoRequire}from'node:module';const require=gimoRequire(import.meta.url);",
    },
  });
  return join(outdir, 'cli.mjs');
}

export interface Place {
  server: TestServer;
  /** Where programs lie that the shell and the server find; outside of the workspace. */
  bin: string;
  env: Readonly<Record<string, string>>;
}

/** A server with a folder of programs on its search path, among them `gimo`. */
export async function makePlace(dir: string, options: StartOptions = {}): Promise<Place> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  const cli = await bundle(join(dir, 'dist'));
  await addProgram(bin, 'gimo', `exec '${process.execPath}' '${cli}' "$@"`);
  const path = [bin, process.env.PATH].join(delimiter);
  const server = await startServer({ ...options, dir, keep: true, env: { PATH: path } });
  const env = {
    ...{ PATH: path, HOME: dir, GIMO_CONFIG_HOME: server.configHome, TERM: 'xterm' },
    ...{ LANG: 'C.UTF-8', PS1: '' },
  };
  return { server, bin, env };
}

/** Adds a shell script to the programs. */
export async function addProgram(bin: string, name: string, body: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(bin, name), 0o755);
}

/** What is typed as soon as something shows; each once, in this order, unless `again`. */
export interface Typed {
  at: RegExp;
  /** A function does something elsewhere, and tells what is typed then. */
  type: string | (() => Promise<string>);
  again?: true;
}

export interface Ended {
  code: number | null;
  /** At a terminal, both streams as they show there. */
  out: string;
  err: string;
}

/** Runs a program without a terminal. Its standard input is what is given, and ends. */
export async function run(
  { env, server }: Place,
  argv: readonly string[],
  stdin = '',
): Promise<Ended> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { cwd: server.root, env });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (err += piece));
  child.stdin.end(stdin);
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

/** Runs a command line at a terminal of its own (util-linux's `script` makes it), and types what is asked for. */
export async function atTerminal(
  { env, server }: Place,
  line: string,
  typed: readonly Typed[] = [],
): Promise<Ended> {
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: server.root,
    env: { ...env, SHELL: '/bin/bash' },
  });
  let out = '';
  let seen = 0;
  const left = [...typed];
  const doing: Promise<unknown>[] = [];
  const answer = async ({ type }: Typed) => {
    const text = typeof type === 'string' ? type : await type();
    if (text !== '') child.stdin.write(text);
  };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece;
    for (let next = left[0]; next !== undefined; next = left[0]) {
      const found = next.at.exec(out.slice(seen));
      if (found === null) return;
      seen += found.index + found[0].length;
      doing.push(answer(next));
      if (next.again !== true) left.shift();
    }
  });
  await once(child, 'close');
  await Promise.all(doing);
  return { code: child.exitCode, out: out.replaceAll('\r\n', '\n'), err: '' };
}

/** Waits until the newest run is in a state. */
export async function whenRun({ server }: Place, status: RunStatus): Promise<void> {
  const stop = new AbortController();
  const { url, client } = server.host;
  const token = server.host.token('admin');
  try {
    for await (const _ of watchEvents({ url, token, signal: stop.signal })) {
      const [newest] = await client.call('listRuns', { limit: 1 });
      if (newest?.status === status) return;
    }
  } finally {
    stop.abort();
  }
}
