import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Step } from '../../../src/contract/records.ts';
import { isTerminal } from '../../../src/core/run-steps.ts';
import type { Executor, StepContext } from '../../../src/core/work.ts';
import { createWorker } from '../../../src/execution/worker.ts';
import { createWorkspace } from '../../../src/execution/workspace.ts';
import {
  artifactOf,
  draftOf,
  openBook,
  openParts,
  runId,
  runOf,
  tempDir,
} from '../core/support.ts';
import { sha } from './edits.ts';

const edit: Step = {
  ...{ id: 'e', kind: 'edit' },
  changes: [{ path: 'a', base_sha256: sha('old a'), text: 'new a' }],
};
const gate: Step = { id: 'g', kind: 'gate' };
const prompt: Step = { id: 'p', kind: 'prompt', text: 'p' };
const last: Step = { id: 'q', kind: 'prompt', text: 'q' };
const full = new GimoError('storage_full', 'There is no room left on the disk.');

/** A run whose edits are real; `after` is called when one is done, before that is noted. */
async function withSteps(steps: Step[], executors: Executor[] = []) {
  const parts = await openParts(await tempDir());
  const root = dirname(parts.dataDir);
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'a'), 'old a');
  const { book, events } = await openBook(parts);
  const { edit: editing } = createWorkspace({
    ...{ root, dataDir: parts.dataDir, versions: parts.ledger.oldVersions, unsaved: () => [] },
  });
  const hooks = { after: async () => {} };
  const executing: Executor<'edit'> = {
    ...editing,
    async execute(step, context) {
      const outcome = await editing.execute(step, context);
      await hooks.after();
      return outcome;
    },
  };
  const worker = createWorker({
    book,
    executors: [executing, ...executors],
    limits: () => ({ concurrent: 1, runTimeout: 300 }),
    logger: parts.logger,
  });
  onTestFinished(() => worker.stop());
  const artifact = artifactOf(draftOf(1, { steps }), parts.ledger);
  await parts.store.approved.put(artifact);
  await book.add(runOf(1, artifact), artifact.digest ?? '');
  const run = () => book.find(runId(1));
  /** Resolves when this holds of the run. */
  const when = (holds: (status: string) => boolean) =>
    new Promise<Awaited<ReturnType<typeof run>>>((resolve, reject) => {
      const look = async () => {
        const now = await run();
        if (now !== null && holds(now.status)) resolve(now);
      };
      events.subscribe(() => void look().catch(reject));
      look().catch(reject);
    });
  const text = () => readFile(join(root, 'a'), 'utf8');
  return { parts, book, worker, hooks, run, when, text };
}

/** Throws this while it is carried out, once it was told to stop. */
const stopped = (reason: (signal: AbortSignal) => unknown) => {
  const begun = Promise.withResolvers<void>();
  const executor: Executor = {
    kind: 'prompt',
    execute: (_step, { signal }: StepContext) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(reason(signal)));
        begun.resolve();
      }),
  };
  return { executor, begun: begun.promise };
};

describe('an edit that was done and cannot be noted', () => {
  it('is put back, and the error of the run says so', async () => {
    const { parts, worker, hooks, when, text } = await withSteps([edit, prompt]);
    hooks.after = async () => {
      let left = 1; // the disk is full for one write
      const get = () => (left-- > 0 ? full : undefined);
      Object.defineProperty(parts.faults, 'ledger', { configurable: true, get });
    };
    worker.wake();
    const now = await when(isTerminal);
    expect(now).toMatchObject({ status: 'error', steps: [{ status: 'error' }, {}] });
    expect(now?.error).toMatch(/^There is no room left on the disk\. .*Put back: "?a"?/);
    expect(await text()).toBe('old a');
  });

  it('leaves no run that is running with nobody behind it, once there is room again', async () => {
    const { parts, worker, hooks, when, text } = await withSteps([edit, prompt]);
    hooks.after = async () => {
      parts.faults.ledger = full;
    };
    const told = parts.tells('the end of');
    worker.wake();
    await told;
    delete parts.faults.ledger;
    const now = await when(isTerminal);
    expect(now).toMatchObject({ status: 'error', steps: [{ status: 'error' }, {}] });
    expect(now?.error).toContain('Put back:');
    expect(await text()).toBe('old a');
  });

  it('because it was cancelled in that moment is put back, and the run says so', async () => {
    const { worker, hooks, when, text } = await withSteps([edit, prompt]);
    hooks.after = async () => void worker.halt(runId(1));
    worker.wake();
    const now = await when(isTerminal);
    expect(now).toMatchObject({ status: 'cancelled', steps: [{ status: 'error' }, {}] });
    expect(now?.error).toContain('Put back:');
    expect(now?.log.at(-1)?.msg).toBe('Run cancelled');
    expect(await text()).toBe('old a');
  });
});

describe('a cancelled run', () => {
  it('tells what its step could not put back, in its error', async () => {
    const words = 'Left: "a". It was changed since.';
    const { executor, begun } = stopped(
      (signal) => new GimoError('conflict_state', words, { cause: signal.reason }),
    );
    const { worker, run } = await withSteps([prompt, last], [executor]);
    worker.wake();
    await begun;
    await worker.halt(runId(1));
    const now = await run();
    expect(now).toMatchObject({ status: 'cancelled', error: words });
    expect(now?.steps.map(({ status }) => status)).toEqual(['error', 'skipped']);
    expect(now?.log.slice(-2)).toMatchObject([
      { level: 'WARNING', msg: words },
      { level: 'INFO', msg: 'Run cancelled' },
    ]);
  });

  it('whose step had begun does not tell it as skipped', async () => {
    const { executor, begun } = stopped((signal) => signal.reason);
    const { worker, run } = await withSteps([prompt, last], [executor]);
    worker.wake();
    await begun;
    await worker.halt(runId(1));
    const now = await run();
    expect(now).toMatchObject({ status: 'cancelled', error: null });
    expect(now?.steps.map(({ status }) => status)).toEqual(['error', 'skipped']);
  });

  it('at a gate has skipped the gate: nothing of it was done', async () => {
    const { worker, book, when, run } = await withSteps([gate, prompt]);
    worker.wake();
    await when((status) => status === 'paused');
    await book.requestCancel(runId(1));
    expect((await run())?.steps.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
  });
});

describe('a server that stops between two steps', () => {
  it('goes on with the next one after the next start: it had not begun', async () => {
    const { worker, book, parts, text } = await withSteps([edit, { ...edit, id: 'f' }]);
    const stopping = Promise.withResolvers<void>();
    // The first is being noted, and the second marked as begun, when the server stops.
    const { stepEnded } = book;
    book.stepEnded = async (...given) => {
      const goes = await stepEnded(...given);
      void worker.stop().then(stopping.resolve, stopping.reject);
      return goes;
    };
    worker.wake();
    await stopping.promise;
    expect(await text()).toBe('new a');
    const next = await openBook(parts);
    await next.book.recover(worker.settle);
    expect(next.book.waiting()).toEqual([runId(1)]);
    const steps = next.book.entry(runId(1))?.steps;
    expect(steps?.map(({ status }) => status)).toEqual(['done', 'waiting']);
    expect(steps?.[1]?.started_at).toBeNull();
    const job = await next.book.begin(runId(1));
    expect(job?.steps.map(({ id }) => id)).toEqual(['f']);
    expect(next.book.entry(runId(1))?.attempt).toBe(1);
  });
});
