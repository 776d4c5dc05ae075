import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { table } from '../../src/contract/operations.ts';
import { DraftRecord } from '../../src/contract/records.ts';
import type { AuditEntry } from '../../src/contract/rows/security.ts';
import { filesUnder, inspect } from './support.ts';

const script = join(import.meta.dirname, 'window.ts');

const State = z.object({
  state: z.enum(['stopped', 'starting', 'running', 'failed']),
  attached: z.boolean().nullable(),
  url: z.string().nullable(),
  error: z.string().nullable(),
});
type State = z.infer<typeof State>;
const Answer = z.object({
  id: z.int(),
  body: z.unknown().optional(),
  refused: z.string().optional(),
});
type Answer = z.infer<typeof Answer>;

/** Opens a window on a folder: a process of its own, ended with `kill`. */
export function openWindow(root: string, env: NodeJS.ProcessEnv, preload: readonly string[] = []) {
  const args = [...preload.flatMap((url) => ['--import', url]), script, root];
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    log += piece;
  });
  const states: State[] = [];
  const looks = new Set<() => void>();
  const answers = new Map<number, (answer: Answer) => void>();
  createInterface(child.stdout).on('line', (line) => {
    const told: unknown = JSON.parse(line);
    const state = State.safeParse(told).data;
    if (state === undefined) {
      const answer = Answer.parse(told);
      answers.get(answer.id)?.(answer);
      answers.delete(answer.id);
      return;
    }
    states.push(state);
    for (const look of looks) look();
  });
  exited.then(() => {
    for (const [id, resolve] of answers) resolve({ id, refused: 'the window is dead' });
  });
  let calls = 0;
  let read = 0;
  /** The first state like this after those that were asked for before. */
  const next = (wanted: Partial<State>) =>
    new Promise<State>((resolve) => {
      const look = () => {
        for (; read < states.length; read += 1) {
          const state = states[read];
          if (state === undefined || !fits(state, wanted)) continue;
          read += 1;
          looks.delete(look);
          return resolve(state);
        }
      };
      looks.add(look);
      look();
    });
  const call = (name: string, args: object = {}) =>
    new Promise<Answer>((resolve) => {
      calls += 1;
      answers.set(calls, resolve);
      child.stdin.write(`${JSON.stringify({ id: calls, call: name, args })}\n`);
    });
  return {
    next,
    call,
    /** @returns the id of the draft, or null if it was not acknowledged */
    async draft(prompt: string): Promise<string | null> {
      const { body } = await call('createDraft', { prompt });
      return body === undefined ? null : table.createDraft.output.parse(body).id;
    },
    async epoch(): Promise<number> {
      return table.getStatus.output.parse((await call('getStatus')).body).epoch;
    },
    /** The names of the states so far. */
    states: () => states.map(({ state }) => state),
    log: () => log,
    send: (signal: NodeJS.Signals) => child.kill(signal),
    async kill() {
      if (running(child)) child.kill('SIGKILL');
      await exited;
    },
  };
}

const running = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;
const fits = (state: State, wanted: Partial<State>) =>
  Object.entries({ ...state, ...wanted }).every(
    ([name, value]) => Object.entries(state).find(([one]) => one === name)?.[1] === value,
  );

/** What the servers of a directory said of themselves and acknowledged, in order. */
export interface History {
  /** Epochs in the order in which they were seen. */
  epochs: number[];
  /** Ids of drafts whose creation was acknowledged. */
  acknowledged: string[];
}

/**
 * Checks, while no server runs, what several servers of one directory left there. @returns what is wrong, a line each:
 * gaps and forks of the audit chain, epochs that went back, drafts that were acknowledged and are not there or were made
 * twice, and records that nobody audited.
 */
export async function faultsIn(root: string, configHome: string, history: History) {
  const { dataDir, entries, verdict } = await inspect(root, configHome);
  const faults: string[] = [];
  if (verdict.verdict === 'modified' || verdict.verdict === 'truncated')
    faults.push(`the audit chain is ${verdict.verdict} at ${verdict.at}`);
  for (const [index, { seq }] of entries.entries())
    if (seq !== index + 1) faults.push(`entry ${index + 1} of the audit has the number ${seq}`);
  for (const [index, epoch] of history.epochs.entries())
    if (epoch < (history.epochs[index - 1] ?? 0)) faults.push(`epoch ${epoch} came after a later`);
  const files = (await filesUnder(join(dataDir, 'ops', 'drafts'))).filter(({ path }) =>
    path.endsWith('.json'),
  );
  const records = files.map(({ text }) => DraftRecord.parse(JSON.parse(text)).id);
  const told = (outcome: string) =>
    entries.filter((entry) => entry.operation === 'createDraft' && entry.outcome === outcome);
  for (const id of history.acknowledged) {
    if (count(records, id) !== 1) faults.push(`${id} was acknowledged, and is not there`);
    if (count(targets(told('done')), id) !== 1) faults.push(`${id} was not made exactly once`);
  }
  for (const id of records)
    if (count(targets(told('intent')), id) !== 1) faults.push(`${id} was made without an entry`);
  if (new Set(history.acknowledged).size !== history.acknowledged.length)
    faults.push('an id was given twice');
  return faults;
}

const targets = (entries: readonly AuditEntry[]) => entries.map(({ target }) => target);
const count = (all: readonly (string | null)[], one: string) =>
  all.filter((id) => id === one).length;
