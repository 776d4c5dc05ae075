import type { Readable } from 'node:stream';
import { z } from 'zod';
import { GimoError } from '../contract/errors.ts';
import type { CommandResult, CommandStep } from '../contract/records.ts';
import { within } from '../core/patience.ts';
import type { Executor, StepContext, StepOf, StepOutcome } from '../core/work.ts';
import { endFamily } from './family.ts';
import { createOutput, type Output } from './output.ts';
import { type CommandOptions, prepareCommand } from './prepare-command.ts';
import { processAt } from './processes.ts';
import { mark } from './scrub.ts';
import { startWarden, type Warden } from './start-warden.ts';
import type { Report, Task } from './task.ts';

/** What a command is found by after a crash: the process that leads its group, and when that began. */
const Trace = z.object({ pid: z.int().positive(), started: z.string().nullable() });
type Trace = z.infer<typeof Trace>;

/** How long the output may take to come to its end once every process of the command is gone, in milliseconds. */
const drainMs = 2000;
/** Bytes of output that are cut into lines before others have their turn. */
const slice = 4096;

/**
 * Carries out command steps: checks again whether the command may run, runs it under a warden of its own, streams its
 * output into the log, and comes back when nothing of it runs any more, however it ended.
 */
export function createCommandExecutor(options: CommandOptions): Executor<'command'> {
  return {
    kind: 'command',
    async execute(step: StepOf<'command'>, context) {
      const { runId, signal, log } = context;
      const task = await prepareCommand(step, runId, options);
      signal.throwIfAborted();
      const output = createOutput(log);
      const warden = await startWarden(runId, task.env);
      const read = readOutput(warden, output);
      let end: End = { why: 'aborted', ms: 0 };
      try {
        end = await run(warden, task, step.timeout_s, context);
      } finally {
        const left = await warden.end();
        const whole = await read();
        output.end();
        if (left.length > 0) log('WARNING', stillThere(left));
        if (!whole) log('WARNING', 'The output could not be read to its end: a part is missing.');
      }
      signal.throwIfAborted();
      return outcomeOf(step, await warden.report, end, output);
    },
    async settle(runId, _stepId, trace) {
      if (trace === undefined || trace === null)
        return 'The command had not begun, so nothing of it was done.';
      const left = await endFamily({ group: await groupOf(trace), mark: mark(runId) });
      const rest = left.length === 0 ? '' : ` ${stillThere(left)}`;
      return `The command may have done part of its work; what was left of it was ended. Look at what it has changed before you run it again.${rest}`;
    },
  };
}

/** Why a command is over, and how many milliseconds it ran. */
interface End {
  why: 'ended' | 'aborted' | 'late';
  ms: number;
}

/** Runs a task until it ends, or has to be ended. */
async function run(
  warden: Warden,
  task: Task,
  seconds: number | undefined,
  { note, signal }: StepContext,
): Promise<End> {
  const pid = warden.family.group;
  const started = process.platform === 'win32' ? null : await processAt(pid);
  // Before the task: whatever has begun can be found.
  await note({ pid, started: started?.started ?? null } satisfies Trace);
  signal.throwIfAborted();
  const began = performance.now();
  warden.begin(task);
  const why = await endOrStop(warden.report, signal, seconds);
  return { why, ms: Math.round(performance.now() - began) };
}

async function endOrStop(
  report: Promise<unknown>,
  signal: AbortSignal,
  seconds: number | undefined,
): Promise<End['why']> {
  let timer: NodeJS.Timeout | undefined;
  let abort = () => {};
  const stopped = new Promise<'aborted' | 'late'>((resolve) => {
    abort = () => resolve('aborted');
    signal.addEventListener('abort', abort, { once: true });
    if (seconds !== undefined) timer = setTimeout(resolve, seconds * 1000, 'late');
  });
  try {
    return await Promise.race([report.then(() => 'ended' as const), stopped]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** @returns waits for the end of what is there to read; whether it was read to its end */
function readOutput({ stdout, stderr }: Warden, output: Output): () => Promise<boolean> {
  const reading = Promise.allSettled([
    take(stdout, output.stream('OUTPUT'), output),
    take(stderr, output.stream('STDERR'), output),
  ]);
  return async () => {
    if (!(await within(drainMs, reading))) {
      stdout.destroy();
      stderr.destroy();
    }
    return (await reading).every(({ status }) => status === 'fulfilled');
  };
}

/* One chunk after the other: what is not read yet waits in the pipe, and the program with it. */
async function take(stream: Readable, push: (chunk: Uint8Array) => void, output: Output) {
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('Output is read as bytes.');
    const step = output.isCut() ? chunk.length : slice;
    for (let at = 0; at < chunk.length; at += step) {
      push(chunk.subarray(at, at + step));
      if (!output.isCut()) await new Promise(setImmediate);
    }
  }
}

/** The group that a trace names, if the process that leads it is still the one that was noted. */
async function groupOf(trace: unknown): Promise<number | null> {
  const noted = Trace.safeParse(trace).data;
  if (noted === undefined || noted.started === null) return null;
  const found = await processAt(noted.pid);
  return found?.started === noted.started ? noted.pid : null;
}

function outcomeOf(step: CommandStep, report: Report, end: End, output: Output): StepOutcome {
  if ('failed' in report) throw notStarted(step.argv[0] ?? '', report.failed);
  const { exit_code, signal } = report;
  const result: CommandResult = {
    ...{ exit_code, signal, duration_ms: end.ms },
    ...{ output_bytes: output.bytes(), output_cut: output.isCut() },
  };
  if (end.why === 'late')
    return {
      result,
      error: `The command took longer than ${step.timeout_s} seconds and was ended. It may have done part of its work. Raise its timeout_s if it needs more time.`,
    };
  if (exit_code === 0) return { result };
  const error =
    exit_code === null
      ? `The command was ended by the signal ${signal}.`
      : `The command ended with exit code ${exit_code}.`;
  return { result, error };
}

function notStarted(program: string, code: string): GimoError {
  const name = JSON.stringify(program);
  if (code.startsWith('cwd:'))
    return new GimoError(
      'path_refused',
      `The folder that ${name} was to run in was taken away or exchanged in this moment. Look who changes it, then run it again.`,
    );
  const why =
    {
      ENOENT: 'the file is missing, or the interpreter that its first line names',
      EACCES: 'it may not be executed',
      E2BIG: 'its arguments are too long for the system',
    }[code] ?? `the system says ${code}`;
  return new GimoError('step_unsupported', `${name} could not be started: ${why}.`);
}

const stillThere = (pids: readonly number[]) =>
  `Processes of the command would not end: ${pids.join(', ')}. End them by hand.`;
