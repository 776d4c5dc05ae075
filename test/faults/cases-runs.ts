import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/client/client.ts';
import { GimoError } from '../../src/contract/errors.ts';
import type { Approved, RunRecord, Step } from '../../src/contract/records.ts';
import { isTerminal } from '../../src/core/run-steps.ts';
import { carries, lookAround } from '../../src/execution/processes.ts';
import { mark } from '../../src/execution/scrub.ts';
import type { Attempt, Case, Seen, World } from './cases.ts';
import { approved, atMostOne, editFaults, justOne } from './cases-drafts.ts';
import type { FaultyServer } from './server.ts';
import { newOnes } from './view.ts';

const programOf = (name: string) =>
  realpathSync(execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim());
const sleep = programOf('sleep');
/** Ends long after every test. */
const longCommand: Step = { id: 'long', kind: 'command', argv: [sleep, '600'] };
const gate: Step = { id: 'gate', kind: 'gate', title: 'Look at it' };
const prompt: Step = { id: 'ask', kind: 'prompt', text: 'Say something.' };
const lastPrompt: Step = { ...prompt, id: 'last' };
const lastGate: Step = { ...gate, id: 'last gate' };

const allowPrograms = ({ client }: World) =>
  client.call('setConfig', {
    command_allowlist: [{ program: sleep, args_prefix: [] }],
  });

const runOf = (client: Client, artifact: Approved, key?: string) =>
  client.call(
    'createRun',
    { approved_id: artifact.id },
    key === undefined ? {} : { idempotencyKey: key },
  );

/** Waits until a run is as it is asked to be. */
const untilRun = (server: FaultyServer, id: string, wanted: (run: RunRecord) => boolean) =>
  server.until(async () => wanted(await server.client.call('getRun', { run_id: id })));

/** Processes that a run has left. */
async function processFaults(ids: readonly string[]): Promise<string[]> {
  const { running } = await lookAround();
  const faults: string[] = [];
  for (const process of running)
    for (const id of ids)
      if ((await carries(process, mark(id))) === true)
        faults.push(`the process ${process.pid} of ${id} still runs`);
  return faults;
}

interface Made {
  steps: (n: number) => Step[];
  /** What the one new run may have become. */
  ended: readonly RunRecord['status'][];
  touches?: (n: number) => string[];
  more?: (seen: Seen, n: number) => string[] | Promise<string[]>;
}

const creates = (name: string, made: Made, rest: Partial<Case> = {}): Case => ({
  name,
  op: 'createRun',
  ...rest,
  async attempt({ client, n }): Promise<Attempt> {
    const artifact = await approved(client, n, made.steps(n));
    const act: Attempt['act'] = (server) => runOf(server.client, artifact, `run-${n}`);
    return {
      act,
      touches: ['new run', artifact.id, ...(made.touches?.(n) ?? [])],
      async faults(seen) {
        const faults = atMostOne(seen, 'runs');
        const [run] = newOnes(seen.before.runs, seen.after.runs);
        if (run !== undefined && !made.ended.includes(run.status))
          faults.push(`the run is ${run.status}: ${run.error}`);
        return [...faults, ...((await made.more?.(seen, n)) ?? [])];
      },
      again: act,
      faultsAgain: (seen) => justOne(seen, 'runs'),
    };
  },
});

const fileOf = (n: number) => `folder-${n}/new.txt`;
/** Makes a file and its folder, changes another, deletes a third. */
const edits = (n: number): Step => ({
  id: 'edit',
  kind: 'edit',
  changes: [
    { path: fileOf(n), base_sha256: null, text: `new ${n}\n` },
    { path: 'changed.txt', text: `changed by ${n}\n` },
    { path: `gone-${n}.txt`, text: null },
  ],
});
const editTouches = (n: number) => [fileOf(n), 'changed.txt', `gone-${n}.txt`];

/** All of an edit, or nothing of it, as the run tells. */
function allOrNothing(seen: Seen, n: number): string[] {
  const { before, after } = seen;
  const faults = editFaults(seen, fileOf(n), `new ${n}\n`);
  const done = newOnes(before.runs, after.runs)[0]?.status === 'done';
  for (const path of ['changed.txt', `gone-${n}.txt`]) {
    const wanted = !done
      ? before.files.get(path)
      : path === 'changed.txt'
        ? `changed by ${n}\n`
        : undefined;
    if (after.files.get(path) !== wanted) faults.push(`${path} holds ${after.files.get(path)}`);
  }
  return faults;
}

const editFiles = async ({ place, n }: World) => {
  await writeFile(join(place.root, `gone-${n}.txt`), 'to be deleted\n');
  await writeFile(join(place.root, 'changed.txt'), `before ${n}\n`);
};
/** The same case, with files there that an edit changes. */
const withFiles = (one: Case): Case => ({
  ...one,
  async attempt(world) {
    await editFiles(world);
    return one.attempt(world);
  },
});

/** What was cut off is taken up again; what had come to its end refuses. */
async function undoOnce({ client }: FaultyServer, run_id: string) {
  try {
    return await client.call('undoRun', { run_id });
  } catch (error) {
    if (GimoError.is(error, 'conflict_state')) return null;
    throw error;
  }
}

/** A case about a run that there is already. */
const about = (
  name: string,
  op: 'cancelRun' | 'pauseRun' | 'resumeRun' | 'undoRun',
  steps: (n: number) => Step[],
  is: {
    ready: (run: RunRecord) => boolean;
    /** After the restart, when it was answered and when it was not. */
    may: (run: RunRecord, answered: boolean) => boolean;
    more?: (seen: Seen, n: number) => string[];
  },
  rest: Partial<Case> = {},
): Case => ({
  name,
  op,
  ...rest,
  async attempt({ client, server, n }): Promise<Attempt> {
    const artifact = await approved(client, n, steps(n));
    const run = await runOf(client, artifact);
    await untilRun(server, run.id, is.ready);
    return {
      act: (now) => now.client.call(op, { run_id: run.id }),
      ...(op === 'undoRun' ? { again: (now) => undoOnce(now, run.id) } : {}),
      touches: [run.id, ...editTouches(n)],
      async faults(seen) {
        const now = seen.after.runs.get(run.id);
        const faults = await processFaults([run.id]);
        if (now === undefined || !is.may(now, seen.reply !== null))
          faults.push(`the run is ${now?.status}: ${now?.error}`);
        return [...faults, ...(is.more?.(seen, n) ?? [])];
      },
      async after(now) {
        const { status } = await now.client.call('getRun', { run_id: run.id });
        if (!isTerminal(status)) await now.client.call('cancelRun', { run_id: run.id });
      },
    };
  },
});

const waits = ({ status }: RunRecord) => status === 'paused';
const runs = ({ status, log }: RunRecord) => status === 'running' && log.length > 1;
const unclear = ({ status, error }: RunRecord) =>
  status === 'error' && error?.includes('step "long"') === true;
const notAwaited = { over: async () => undefined };

export const runCases: Case[] = [
  creates('run a prompt', { steps: () => [prompt], ended: ['done'] }),
  withFiles(
    creates('run an edit', {
      steps: (n) => [edits(n)],
      ended: ['done', 'error'],
      touches: editTouches,
      more: allOrNothing,
    }),
  ),
  creates(
    'run a command',
    {
      steps: () => [{ id: 'nap', kind: 'command', argv: [sleep, '0.01'] }, prompt],
      ended: ['done', 'error'],
      more: ({ before, after }) =>
        processFaults(newOnes(before.runs, after.runs).map(({ id }) => id)),
    },
    { setUp: allowPrograms },
  ),
  creates('run up to a gate', { steps: () => [prompt, gate, lastPrompt], ended: ['paused'] }),
  about('cancel a run that waits', 'cancelRun', () => [gate, prompt], {
    ready: waits,
    may: ({ status }, answered) => status === 'cancelled' || (status === 'paused' && !answered),
  }),
  about(
    'cancel a command',
    'cancelRun',
    () => [longCommand],
    {
      ready: runs,
      may: (run, answered) => run.status === 'cancelled' || (unclear(run) && !answered),
    },
    { setUp: allowPrograms },
  ),
  about(
    'pause a run',
    'pauseRun',
    () => [longCommand, prompt],
    { ready: runs, may: unclear },
    { setUp: allowPrograms, ...notAwaited },
  ),
  about('let a run go on', 'resumeRun', () => [gate, prompt, lastGate, lastPrompt], {
    ready: waits,
    may: ({ status, steps }, answered) =>
      status === 'paused' && (!answered || steps?.[0]?.status === 'done'),
  }),
  withFiles(
    about('undo a run', 'undoRun', (n) => [edits(n)], {
      ready: ({ status }) => status === 'done',
      may: ({ status }) => status === 'done',
      more({ before, after, reply }, n) {
        const faults: string[] = [];
        const was = new Map([
          [fileOf(n), undefined],
          ['changed.txt', `before ${n}\n`],
          [`gone-${n}.txt`, 'to be deleted\n'],
        ]);
        for (const [path, text] of was) {
          const now = after.files.get(path);
          const isDone = now === text;
          if (!isDone && (reply !== null || now !== before.files.get(path)))
            faults.push(`${path} holds ${now}`);
        }
        return faults;
      },
    }),
  ),
];
