import { onTestFinished } from 'vitest';
import type { RunStatus, Step } from '../../../src/contract/records.ts';
import { isTerminal } from '../../../src/core/run-steps.ts';
import type { ExecutableStep, Executor, StepContext } from '../../../src/core/work.ts';
import { createWorker } from '../../../src/execution/worker.ts';
import {
  artifactOf,
  draftOf,
  gate,
  openBook,
  openParts,
  runId,
  runOf,
  tempDir,
} from '../core/support.ts';

/** A step that is being carried out, in the hands of the test. */
interface Held extends StepContext {
  step: ExecutableStep;
  finish(result?: unknown): void;
  fail(error: unknown): void;
}

/** The text of a prompt step. */
export const textOf = ({ step }: Held): string => (step.kind === 'prompt' ? step.text : '');

/** An executor whose every step waits for the test to end it. It stops at an abort only if told to be `obedient`. */
export function holding(obedient = true) {
  const arrived: Held[] = [];
  const waiting: ((held: Held) => void)[] = [];
  let now = 0;
  let most = 0;
  const executor: Executor = {
    kind: 'prompt',
    async execute(step, context) {
      now += 1;
      most = Math.max(most, now);
      const work = gate<unknown>();
      const { signal } = context;
      if (obedient) signal.addEventListener('abort', () => work.reject(signal.reason));
      const held = { step, ...context, finish: work.resolve, fail: work.reject };
      const first = waiting.shift();
      if (first === undefined) arrived.push(held);
      else first(held);
      try {
        return { result: await work.promise };
      } finally {
        now -= 1;
      }
    },
  };
  return {
    executor,
    /** The next step that begins. */
    next: () => {
      const first = arrived.shift();
      return first === undefined
        ? new Promise<Held>((resolve) => waiting.push(resolve))
        : Promise.resolve(first);
    },
    arrived,
    most: () => most,
    now: () => now,
  };
}

interface Options {
  executor?: Executor;
  concurrent?: number;
  runTimeout?: number;
  steps?: Step[];
}

export async function withWorker(options: Options = {}) {
  const parts = await openParts(await tempDir());
  const { book, settings, events } = await openBook(parts);
  const held = holding();
  const limits = { concurrent: options.concurrent ?? 1, runTimeout: options.runTimeout ?? 300 };
  const worker = createWorker({
    book,
    executors: [options.executor ?? held.executor],
    limits: () => limits,
    logger: parts.logger,
  });
  onTestFinished(() => worker.stop());
  const artifact = artifactOf(draftOf(1, { steps: options.steps ?? null }), parts.ledger);
  await parts.store.approved.put(artifact);
  const status = async (n: number) => (await parts.store.runs.get(runId(n)))?.status;
  return {
    ...{ parts, book, settings, held, worker, limits, artifact, status },
    add: (n: number) => book.add(runOf(n, artifact), artifact.digest ?? ''),
    run: (n: number) => parts.store.runs.get(runId(n)),
    /** Resolves when a run has ended, in which state it ended. */
    ended: (n: number) =>
      new Promise<RunStatus>((resolve, reject) => {
        const look = async () => {
          const found = await status(n);
          if (found !== undefined && isTerminal(found)) resolve(found);
        };
        events.subscribe(() => void look().catch(reject));
        look().catch(reject);
      }),
  };
}
