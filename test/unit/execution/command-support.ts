import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { CommandStep, Config } from '../../../src/contract/records.ts';
import type { StepOutcome } from '../../../src/core/work.ts';
import { createCommandExecutor } from '../../../src/execution/command.ts';
import { createPrograms } from '../../../src/execution/programs.ts';

/** A run id that no other test has, so that what is left of it can be found. */
export const freshRunId = () =>
  `r_${Date.now()}_${Math.random().toString(16).slice(2).padEnd(12, '0')}`;

/** A workspace of its own, `work`, in a directory that is deleted afterwards; both are real paths. */
export async function makeWorkspace() {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'gimo-command-')));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const root = join(dir, 'work');
  await mkdir(root);
  return { dir, root };
}

/** The real path of a program of this machine. */
export async function programOf(name: string): Promise<string> {
  const found = await createPrograms({ root: tmpdir(), env: process.env }).realPath(name);
  if (found === null) throw new Error(`This test needs the program ${name}.`);
  return found;
}

/** An executor over a workspace of its own, which may run `sh` and `node` with whatever they are given. */
export async function withCommands(env: Record<string, string | undefined> = process.env) {
  const { dir, root } = await makeWorkspace();
  const sh = await programOf('sh');
  const config: Pick<Config, 'command_allowlist'> = {
    command_allowlist: [sh, process.execPath].map((program) => ({ program, args_prefix: [] })),
  };
  const programs = createPrograms({ root, env });
  const executor = createCommandExecutor({ root, programs, env, config: () => config });
  return {
    ...{ dir, root, sh, config, executor },
    /** Begins a command. */
    begin(argv: string[], more: Partial<CommandStep> = {}) {
      return begin(executor, { id: 's1', kind: 'command', argv, ...more });
    },
    /** Begins a script of sh. */
    script(text: string, more: Partial<CommandStep> = {}) {
      return begin(executor, { id: 's1', kind: 'command', argv: [sh, '-c', text], ...more });
    },
  };
}

type Commands = ReturnType<typeof createCommandExecutor>;

/** A command that runs, in the hands of the test. Lines of the log are kept as `LEVEL text`. */
function begin(executor: Commands, step: CommandStep, runId = freshRunId()) {
  const controller = new AbortController();
  const lines: string[] = [];
  const notes: unknown[] = [];
  const waiting: { of: RegExp; found: (match: RegExpExecArray) => void }[] = [];
  const log = (level: string, message: string) => {
    lines.push(`${level} ${message}`);
    for (const { of, found } of waiting) {
      const match = of.exec(message);
      if (match !== null) found(match);
    }
  };
  const note = async (trace: unknown) => {
    notes.push(trace);
  };
  const outcome: Promise<StepOutcome> = executor.execute(step, {
    ...{ runId, target: null, signal: controller.signal, log, note },
  });
  return {
    ...{ runId, lines, notes, outcome },
    cancel: (why: unknown = new Error('cancelled')) => controller.abort(why),
    /** Resolves with the first line that is like this, from now on. */
    line: (of: RegExp) =>
      Promise.race([
        new Promise<RegExpExecArray>((found) => waiting.push({ of, found })),
        outcome.then(() => {
          throw new Error(`The command ended without a line like ${of}: ${lines.join(' | ')}`);
        }),
      ]),
  };
}

/** The ids of processes that carry the mark of one of these runs, told by /proc alone. Zombies have none. */
export async function leftOf(runIds: readonly string[]): Promise<number[]> {
  const marks = new Set(runIds.map((runId) => `GIMO_RUN_ID=${runId}`));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // It may be gone by now.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.split('\0').some((entry) => marks.has(entry)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/**
 * Looks until nothing is left. For processes that are not our children there is no event to wait for.
 * @returns the milliseconds that it took
 */
export async function untilNobody(left: () => Promise<readonly number[]>, ms = 15_000) {
  const began = performance.now();
  for (;;) {
    const found = await left();
    const took = performance.now() - began;
    if (found.length === 0) return took;
    if (took > ms) throw new Error(`Still there after ${ms} ms: ${found.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts command-host.ts, a process that runs commands and can be killed. */
export async function startHost(root: string, sh: string, scripts: readonly string[]) {
  const runs = scripts.map((script) => ({ runId: freshRunId(), script }));
  const child: ChildProcess = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'command-host.ts'),
      ...[root, sh, ...runs.map(({ runId, script }) => `${runId}\n${script}`)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
  });
  if (child.stdout === null) throw new Error('The host has no output.');
  const Line = z.object({ message: z.string().optional(), trace: z.unknown().optional() });
  const told: z.infer<typeof Line>[] = [];
  const lines = createInterface({ input: child.stdout });
  // A process that is killed may have said half a line.
  lines.on('line', (line) => {
    if (line.endsWith('}')) told.push(Line.parse(JSON.parse(line)));
  });
  const until = async (enough: () => boolean) => {
    while (!enough()) await once(lines, 'line');
  };
  const messages = () => told.flatMap(({ message }) => (message === undefined ? [] : [message]));
  const traces = () => told.flatMap(({ trace }) => (trace === undefined ? [] : [trace]));
  return {
    runIds: runs.map(({ runId }) => runId),
    /** What commands have noted so far. */
    traces,
    /** Resolves when so many commands have noted what they are found by. */
    noted: (count: number) => until(() => traces().length >= count),
    /** Resolves with the lines of output when there are so many. */
    async said(count: number) {
      await until(() => messages().length >= count);
      return messages();
    },
    async kill() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
