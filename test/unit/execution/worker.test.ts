import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Step } from '../../../src/contract/records.ts';
import type { Executor } from '../../../src/core/work.ts';
import {
  artifactOf,
  calling,
  draftOf,
  openBook,
  openParts,
  runId,
  runOf,
  startCore,
  tempDir,
} from '../core/support.ts';
import { holding, textOf, withWorker } from './support.ts';

describe('a run', () => {
  it('starts the moment that it is there', async () => {
    const { add, worker, held, ended, run } = await withWorker();
    await add(1);
    worker.wake();
    const step = await held.next();
    expect(textOf(step)).toContain('Execute the following approved operation:');
    expect(step.target?.name).toBe('offline');
    step.finish({ text: 'r', usage: null });
    expect(await ended(1)).toBe('done');
    expect((await run(1))?.steps[0]?.result).toEqual({ text: 'r', usage: null });
  });

  it('goes through its steps one after another', async () => {
    const steps: Step[] = ['a', 'b'].map((id) => ({ id, kind: 'prompt', text: `text ${id}` }));
    const { add, worker, held, ended } = await withWorker({ steps });
    await add(1);
    worker.wake();
    const first = await held.next();
    expect([textOf(first), held.arrived]).toEqual(['text a', []]);
    first.finish();
    (await held.next()).finish();
    expect(await ended(1)).toBe('done');
  });

  it('ends in error with the words of what went wrong; later steps are skipped', async () => {
    const steps: Step[] = ['a', 'b'].map((id) => ({ id, kind: 'prompt', text: id }));
    const { add, worker, held, ended, run } = await withWorker({ steps });
    await add(1);
    worker.wake();
    (await held.next()).fail(new GimoError('provider_error', 'The model said no.'));
    expect(await ended(1)).toBe('error');
    expect(await run(1)).toMatchObject({
      error: 'The model said no.',
      steps: [{ status: 'error' }, { status: 'skipped' }],
    });
    expect((await run(1))?.log.at(-1)).toMatchObject({ level: 'ERROR', msg: 'The model said no.' });
  });

  it('ends in error when its executor breaks, and tells the log but not the caller how', async () => {
    const executor: Executor = {
      kind: 'prompt',
      execute() {
        throw new TypeError('x is not a function');
      },
    };
    const { add, worker, ended, run, parts } = await withWorker({ executor });
    await add(1);
    worker.wake();
    expect(await ended(1)).toBe('error');
    expect(JSON.stringify(await run(1))).not.toContain('not a function');
    await worker.stop();
    expect(parts.told.map(({ message }) => message).join()).toContain('x is not a function');
  });

  it('whose result is more than can be kept ends in error, says so, and goes no further', async () => {
    const steps: Step[] = ['a', 'b'].map((id) => ({ id, kind: 'prompt', text: id }));
    const { add, worker, held, ended, run } = await withWorker({ steps });
    await add(1);
    worker.wake();
    (await held.next()).finish({ text: 'x'.repeat(17 * 2 ** 20), usage: null });
    expect(await ended(1)).toBe('error');
    expect((await run(1))?.error).toContain('The result of step "a" is too large to be kept');
    expect(await run(1)).toMatchObject({ steps: [{ result: null }, { status: 'skipped' }] });
    expect(held.arrived).toEqual([]);
  });

  it('with a step that nobody can carry out ends in error', async () => {
    const executor: Executor = { kind: 'command', execute: async () => ({ result: null }) };
    const { add, worker, ended, run } = await withWorker({ executor });
    await add(1);
    worker.wake();
    expect(await ended(1)).toBe('error');
    expect((await run(1))?.error).toContain('"prompt" cannot be run');
  });

  it('that takes too long is stopped, and says so', async () => {
    const { add, worker, held, ended, run } = await withWorker({ runTimeout: 0.01 });
    await add(1);
    worker.wake();
    expect(await ended(1)).toBe('error');
    expect((await run(1))?.error).toContain('longer than 0.01 seconds');
    // On a slow machine the time may be over before the step begins; if it began, it was aborted.
    for (const { signal } of held.arrived) expect(signal.aborted).toBe(true);
  });

  it('whose provider lost its key ends in error', async () => {
    const { worker, ended, run, parts, book, settings } = await withWorker();
    const api = { type: 'openai_compat', base_url: 'http://127.0.0.1:9/v1', model: 'm' } as const;
    await settings.prepareProviders({
      active: 'api',
      providers: { api: { ...api, api_key: `\${env:MISSING}` } },
    })();
    const sealed = artifactOf(draftOf(2), parts.ledger, { provider_resolved: settings.active() });
    await parts.store.approved.put(sealed);
    await book.add(runOf(2, sealed), sealed.digest ?? '');
    worker.wake();
    expect(await ended(2)).toBe('error');
    expect((await run(2))?.error).toContain('The key of the provider "api" is not there');
  });
});

describe('many runs', () => {
  it('begin oldest first, never more at a time than may, and each ends', async () => {
    const { add, worker, held, ended, book } = await withWorker({ concurrent: 3 });
    const ids = Array.from({ length: 12 }, (_, n) => n + 1);
    for (const n of ids.toReversed()) await add(n);
    worker.wake();
    const going = [await held.next(), await held.next(), await held.next()];
    expect(book.waiting()).toEqual(ids.slice(3).map(runId));
    for (let ends = 1; ends <= ids.length; ends += 1) {
      going.shift()?.finish();
      if (ends > ids.length - 3) continue;
      going.push(await held.next());
      expect(book.waiting()).toEqual(ids.slice(3 + ends).map(runId));
    }
    expect(await Promise.all(ids.map(ended))).toEqual(ids.map(() => 'done'));
    expect(held.most()).toBe(3);
  });

  it('wait for a slot until the work of another has really stopped', async () => {
    const stubborn = holding(false);
    const { add, worker, status, ended } = await withWorker({ executor: stubborn.executor });
    await add(1);
    await add(2);
    worker.wake();
    const first = await stubborn.next();
    const halted = worker.halt(runId(1));
    worker.wake();
    expect(first.signal.aborted).toBe(true);
    expect([await status(1), await status(2)]).toEqual(['running', 'pending']);
    expect(stubborn.now()).toBe(1);
    first.finish({ text: 'late', usage: null });
    await halted;
    expect(await status(1)).toBe('cancelled');
    (await stubborn.next()).finish();
    expect(await ended(2)).toBe('done');
    expect(stubborn.most()).toBe(1);
  });

  it('more may go on at once as soon as the limit is raised', async () => {
    const { add, worker, held, limits } = await withWorker();
    for (const n of [1, 2, 3]) await add(n);
    worker.wake();
    await held.next();
    limits.concurrent = 3;
    worker.wake();
    await held.next();
    await held.next();
    expect(held.now()).toBe(3);
  });

  it('one that fails frees its slot for the next', async () => {
    const { add, worker, held, ended } = await withWorker();
    await add(1);
    await add(2);
    worker.wake();
    (await held.next()).fail(new Error('broken'));
    (await held.next()).finish();
    expect([await ended(1), await ended(2)]).toEqual(['error', 'done']);
  });
});

describe('a cancel', () => {
  it('of a running one aborts its work, waits for it, and drops its late result', async () => {
    const { add, worker, held, run, book } = await withWorker();
    await add(1);
    worker.wake();
    const { signal } = await held.next();
    expect(await book.requestCancel(runId(1))).toBe(false);
    await worker.halt(runId(1));
    expect(signal.aborted).toBe(true);
    expect(await run(1)).toMatchObject({
      ...{ status: 'cancelled', error: null },
      steps: [{ status: 'error', result: null }],
    });
  });

  it('of a waiting one keeps it from ever beginning', async () => {
    const { add, worker, held, book, ended, run } = await withWorker();
    for (const n of [1, 2, 3]) await add(n);
    worker.wake();
    const first = await held.next();
    expect(await book.requestCancel(runId(2))).toBe(true);
    first.finish();
    (await held.next()).finish();
    expect(await ended(3)).toBe('done');
    expect(await run(2)).toMatchObject({ status: 'cancelled', attempt: 0 });
    expect(held.arrived).toEqual([]);
  });

  it('of one that nobody works on resolves at once', async () => {
    const { worker } = await withWorker();
    await worker.halt('r_1_abcdef');
  });
});

describe('a shutdown', () => {
  it('aborts the work and leaves every run for the next start', async () => {
    const { add, worker, held, status, parts, artifact } = await withWorker();
    await add(1);
    await add(2);
    worker.wake();
    const { signal } = await held.next();
    await worker.stop();
    expect(signal.aborted).toBe(true);
    expect([await status(1), await status(2)]).toEqual(['running', 'pending']);
    worker.wake();
    expect(held.arrived).toEqual([]);
    const { book } = await openBook(parts);
    await book.recover(worker.settle);
    expect(book.waiting()).toEqual([runId(1), runId(2)]);
    expect((await book.begin(runId(1)))?.steps).toHaveLength(1);
    expect((await parts.ledger.runs.get(runId(1)))?.attempt).toBe(2);
    expect(artifact.consumed_by).toBeNull();
  });

  it('waits for work that takes its time, and for the lines that it wrote', async () => {
    const stubborn = holding(false);
    const { add, worker, parts } = await withWorker({ executor: stubborn.executor });
    await add(1);
    worker.wake();
    const { log, finish } = await stubborn.next();
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    log('OUTPUT', 'the last line');
    finish();
    await stopping;
    const lines = await parts.store.runLogs.read(runId(1));
    expect(lines.at(-1)).toMatchObject({ msg: 'the last line', step: 'prompt' });
  });
});

it('a run whose end the disk refused is over as soon as somebody cancels it, as what it was', async () => {
  const parts = await openParts(await tempDir());
  const held = holding();
  const { core, stop } = await startCore(parts, { executors: [held.executor] });
  const call = calling(core);
  const { id: draft_id } = await call('createDraft', { prompt: 'p' });
  const run_id = (await call('approveDraft', { draft_id, auto_run: true })).run?.id ?? '';
  const step = await held.next();
  parts.faults.ledger = new GimoError('storage_full', 'No room.');
  step.finish();
  // Told when the worker has given up on it.
  await parts.tells('the end of');
  delete parts.faults.ledger;
  expect(await call('getRun', { run_id })).toMatchObject({ status: 'running' });
  expect(await call('cancelRun', { run_id })).toMatchObject({ status: 'done', error: null });
  await stop();
});
