import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { RunStatus, Step } from '../../../src/contract/records.ts';
import {
  artifactOf,
  calling,
  draftOf,
  openBook,
  openParts,
  runOf,
  startCore,
  tempDir,
} from './support.ts';

const prompt = (id: string): Step => ({ id, kind: 'prompt', text: id });
const gate = (id: string): Step => ({ id, kind: 'gate' });
const edit = (id: string): Step => ({
  ...{ id, kind: 'edit' },
  changes: [{ path: id, base_sha256: null, text: 'x' }],
});
const full = new GimoError('storage_full', 'No room.');

/** A book with a run that waits for a slot. */
async function withRun(steps: Step[]) {
  const parts = await openParts(await tempDir());
  const { book } = await openBook(parts);
  const artifact = artifactOf(draftOf(1, { steps }), parts.ledger);
  await parts.store.approved.put(artifact);
  const { id } = runOf(1, artifact);
  await book.add(runOf(1, artifact), artifact.digest ?? '');
  return { parts, book, id, status: async () => (await book.find(id))?.status };
}

/** A core whose edit steps do nothing, and a run of these steps. */
async function withCore(steps: Step[], worker?: 'none') {
  const parts = await openParts(await tempDir());
  const executor = { kind: 'edit' as const, execute: async () => ({ result: null }) };
  const options = { executors: [executor], ...(worker === undefined ? {} : { worker }) };
  const { core, book } = await startCore(parts, options);
  const call = calling(core);
  const draft = await call('createDraft', { prompt: 'x', steps });
  const { approved } = await call('approveDraft', { draft_id: draft.id, digest: draft.digest });
  const { id: run_id } = await call('createRun', { approved_id: approved.id });
  /** Resolves when the run is at this step in this state. */
  const at = (status: RunStatus, step?: string) =>
    new Promise<void>((resolve, reject) => {
      const look = async () => {
        const run = await call('getRun', { run_id });
        const next = run.steps.find((one) => one.status !== 'done')?.id;
        if (run.status === status && next === step) resolve();
      };
      core.subscribe(() => void look().catch(reject));
      look().catch(reject);
    });
  return { book, call, run_id, at };
}

describe('a pause', () => {
  it('of a waiting run holds it although a slot gets free meanwhile', async () => {
    const { book, id, status } = await withRun([prompt('a'), prompt('b')]);
    const pausing = book.pause(id);
    await Promise.resolve();
    const job = await book.begin(id);
    await pausing;
    expect([job, await status()]).toEqual([null, 'paused']);
    await book.resume(id, 'admin:1');
    expect(book.waiting()).toEqual([id]);
    expect((await book.begin(id))?.steps).toHaveLength(2);
    expect(book.working()).toEqual([id]);
  });

  it('that comes while the run gets to a gate does not hold it once more behind the gate', async () => {
    const { book, id } = await withRun([prompt('a'), gate('g'), prompt('b')]);
    await book.begin(id);
    const ending = book.stepEnded(id, 'a', { result: null });
    await book.pause(id);
    await ending;
    await book.resume(id, 'admin:1');
    const job = await book.begin(id);
    expect(job?.steps.map((step) => step.id)).toEqual(['b']);
    expect(book.entry(id)?.status).toBe('running');
  });

  it('that a run was asked for is taken back by resume, and then the run does not pause', async () => {
    const { book, call, run_id } = await withCore([prompt('a'), prompt('b')], 'none');
    await book.begin(run_id);
    await call('pauseRun', { run_id });
    const run = await call('resumeRun', { run_id, step: 'a' });
    expect(run.status).toBe('running');
    expect(run).not.toHaveProperty('pause_requested');
    expect(await book.stepEnded(run_id, 'a', { result: null })).toBe(true);
    await expect(call('resumeRun', { run_id })).rejects.toMatchObject({ code: 'conflict_state' });
  });
});

describe('a resume', () => {
  const gates = [gate('look at a'), edit('a'), gate('look at b'), edit('b')];

  it('that names its gate passes that one, and sent again no other', async () => {
    const { call, run_id, at } = await withCore(gates);
    await at('paused', 'look at a');
    await call('resumeRun', { run_id, step: 'look at a' });
    await at('paused', 'look at b');
    const again = call('resumeRun', { run_id, step: 'look at a' });
    await expect(again).rejects.toMatchObject({ code: 'stale' });
    await expect(again).rejects.toThrow('it is at "look at b"');
    expect((await call('getRun', { run_id })).status).toBe('paused');
    await call('resumeRun', { run_id, step: 'look at b' });
    await at('done');
  });

  it('passes one gate when two come at once', async () => {
    const { book, id, status } = await withRun([gate('g'), gate('h'), prompt('b')]);
    await book.begin(id);
    const both = Promise.all([book.resume(id, 'admin:1'), book.resume(id, 'admin:2')]);
    await both.catch(() => undefined);
    await book.begin(id);
    expect(await status()).toBe('paused');
    const told = (await book.find(id))?.log.map(({ msg }) => msg) ?? [];
    expect(told.filter((msg) => msg.startsWith('Continued by'))).toEqual(['Continued by admin:1']);
    expect(book.entry(id)?.steps.map((step) => step.status)).toEqual([
      ...['done', 'running', 'waiting'],
    ]);
  });

  it('of the last gate tells the end once, in the log that is kept', async () => {
    const { book, id } = await withRun([gate('g')]);
    await book.begin(id);
    await Promise.all([book.resume(id, 'admin:1'), book.resume(id, 'admin:2')]);
    const run = await book.find(id);
    expect(run?.status).toBe('done');
    expect(run?.log.map(({ msg }) => msg)).toEqual([
      ...['Run created', 'Execution started', 'Provider: offline (offline)'],
      ...['Paused at the gate "g"', 'Continued by admin:1', 'Execution completed'],
    ]);
  });

  it('of a run whose cancel the disk refused does not strand it: it is cancelled', async () => {
    const { book, parts, id, status } = await withRun([prompt('a')]);
    await book.pause(id);
    parts.faults.ledger = full;
    await expect(book.requestCancel(id)).rejects.toBe(full);
    await expect(book.resume(id, 'admin:1')).rejects.toBe(full);
    delete parts.faults.ledger;
    await expect(book.resume(id, 'admin:1')).rejects.toMatchObject({ code: 'conflict_state' });
    expect([await status(), book.entry(id)]).toEqual(['cancelled', undefined]);
  });
});

it('an end that the disk refused is the one that is written, whoever asks for another', async () => {
  const { book, parts, id } = await withRun([prompt('a')]);
  await book.begin(id);
  parts.faults.ledger = full;
  const why = { status: 'error', error: 'The model said no.' } as const;
  await expect(book.end(id, why)).rejects.toBe(full);
  await expect(book.end(id, { status: 'cancelled' })).rejects.toBe(full);
  delete parts.faults.ledger;
  expect(await book.requestCancel(id)).toBe(true);
  expect(await book.find(id)).toMatchObject({ status: 'error', error: 'The model said no.' });
});
