import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import { within } from '../core/patience.ts';
import { systemCode } from '../core/system-error.ts';
import { endFamily, type Family, graceMs } from './family.ts';
import { mark } from './scrub.ts';
import { type Report, reportFd, type Task } from './task.ts';

const Told: z.ZodType<Report> = z.union([
  z.object({ exit_code: z.int().nullable(), signal: z.string().nullable() }),
  z.object({ failed: z.string() }),
]);

/** How long a warden may take beyond the grace before it is taken for stuck, in milliseconds. */
const patienceMs = 1500;

/** A warden that runs and waits for its task; see warden.ts. */
export interface Warden {
  family: Family & { group: number };
  /** What the program writes. */
  stdout: Readable;
  stderr: Readable;
  begin(task: Task): void;
  /** Resolves when the program has ended, or the warden without a word: then with the signal that ended it. */
  report: Promise<Report>;
  /**
   * Ends the program, and whatever it has begun; resolves when all of it is gone, the warden too.
   * @returns the ids of processes that would not go
   */
  end(): Promise<number[]>;
}

/**
 * Starts a warden.
 * @param env what the program's environment will be
 * @throws GimoError `internal` if the system does not start it
 */
export async function startWarden(runId: string, env: Record<string, string>): Promise<Warden> {
  const child = spawn(process.execPath, [programPath()], {
    // In an editor, this process is the editor's own program.
    env: { ...env, ELECTRON_RUN_AS_NODE: '1' },
    // Not the workspace: nothing in there is to be looked for.
    cwd: dirname(process.execPath),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
  });
  const gone = once(child, 'exit').then(([, signal]: unknown[]) => signal);
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined) throw notStarted(await gone.catch((error: unknown) => error));
  // A warden that is gone does not take its task; its exit tells that.
  stdin.on('error', () => undefined);
  const family = { group: pid, mark: mark(runId) };
  return {
    ...{ family, stdout, stderr },
    begin: (task) => stdin.write(`${JSON.stringify(task)}\n`),
    report: reportOf(child.stdio[reportFd], gone),
    async end() {
      stdin.end();
      // One that is stopped, or stuck, does nothing any more: then it is killed with its group.
      if (!(await within(graceMs + patienceMs, gone))) await endFamily(family, 0);
      await gone;
      return process.platform === 'win32' ? [] : endFamily(family);
    },
  };
}

/* The warden alone holds the other end of this stream, so it ends with the warden at the latest. */
async function reportOf(stream: unknown, gone: Promise<unknown>): Promise<Report> {
  if (!(stream instanceof Readable))
    throw new TypeError('The warden has no descriptor to report on.');
  for await (const line of createInterface({ input: stream })) return Told.parse(JSON.parse(line));
  return Told.parse({ exit_code: null, signal: await gone });
}

/* In source the program stands beside this file; in what ships, in dist, and this code there or in dist/chunks. */
function programPath(): string {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return fileURLToPath(new URL('./warden.ts', here));
  const beside = /\/chunks\/[^/]*$/.test(here) ? '../warden.js' : './warden.js';
  return fileURLToPath(new URL(beside, here));
}

const notStarted = (error: unknown) =>
  new GimoError(
    'internal',
    `The system did not start another process (${systemCode(error) ?? 'it does not say why'}). Close what is not needed, then try again.`,
    { cause: error },
  );
