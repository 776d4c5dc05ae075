import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Step } from '../../../src/contract/records.ts';
import { executable, mostResultBytes } from '../../../src/core/run-steps.ts';
import {
  artifactOf,
  calling,
  draftOf,
  gate,
  openBook,
  openParts,
  runOf,
  startCore,
  tempDir,
  unsettled,
} from './support.ts';

const full = new GimoError('storage_full', 'No room.');
const prompts: Step[] = [
  { id: 'one', kind: 'prompt', text: 'first' },
  { id: 'two', kind: 'prompt', text: 'second' },
];

/** A book, and an artifact that runs can be made of. */
async function withArtifact(steps: Step[] | null = null, secrets: string[] = []) {
  const parts = await openParts(await tempDir());
  const opened = await openBook(parts, secrets);
  const artifact = artifactOf(draftOf(1, { content: 'c', steps }), parts.ledger);
  await parts.store.approved.put(artifact);
  const run = runOf(1, artifact);
  const { book } = opened;
  const runsDir = join(parts.dataDir, 'ops', 'runs');
  return {
    ...{ ...opened, parts, artifact, run, runsDir },
    add: () => book.add(run, artifact.digest ?? ''),
    stored: () => parts.store.runs.get(run.id),
    entry: () => parts.ledger.runs.get(run.id),
    /** The run as a caller reads it now. */
    async now() {
      const found = await parts.store.runs.get(run.id);
      if (found === null) throw new Error('no such run');
      return book.read(found);
    },
  };
}
const texts = (run: { log: { msg: string }[] }) => run.log.map(({ msg }) => msg);

describe('a run', () => {
  it('stands in the ledger and in its file, and waits', async () => {
    const { add, book, run, stored, entry, now } = await withArtifact();
    await add();
    expect(book.waiting()).toEqual([run.id]);
    expect(await stored()).toEqual(run);
    expect(await entry()).toMatchObject({ id: run.id, status: 'pending', attempt: 0 });
    await book.drained();
    expect(texts(await now())).toEqual(['Run created']);
  });

  it('goes through its steps, and at the end its log stands in its file alone', async () => {
    const { add, book, run, now, stored, runsDir, entry, seen } = await withArtifact(prompts);
    await add();
    const job = await book.begin(run.id);
    expect(job?.steps).toEqual(prompts);
    expect(job?.target).toMatchObject({ name: 'offline', api_key: null });
    expect(await now()).toMatchObject({ status: 'running', attempt: 1, finished_at: null });
    expect((await now()).steps.map(({ status }) => status)).toEqual(['running', 'waiting']);
    book.log(run.id, 'OUTPUT', 'a line', 'one');
    await book.stepEnded(run.id, 'one', { result: { text: 'a line', usage: null } });
    expect((await now()).steps.map(({ status }) => status)).toEqual(['done', 'running']);
    await book.stepEnded(run.id, 'two', { result: { text: '', usage: null } });
    const done = await stored();
    expect(done).toMatchObject({ status: 'done', error: null, attempt: 1 });
    expect(done?.steps.map(({ status, result }) => [status, result])).toEqual([
      ['done', { text: 'a line', usage: null }],
      ['done', { text: '', usage: null }],
    ]);
    expect(done?.log.map(({ level, msg, step }) => [level, msg, step])).toEqual([
      ['INFO', 'Run created', undefined],
      ['INFO', 'Execution started', undefined],
      ['INFO', 'Provider: offline (offline)', undefined],
      ['OUTPUT', 'a line', 'one'],
      ['INFO', 'Execution completed', undefined],
    ]);
    expect(await readdir(runsDir)).toEqual([`${run.id}.json`]);
    expect(await entry()).toMatchObject({ status: 'done', finished_at: done?.finished_at });
    expect(book.entry(run.id)).toBeUndefined();
    expect(seen).toContain(`log ${run.id}`);
  });

  it('is begun once', async () => {
    const { add, book, run } = await withArtifact();
    await add();
    const [first, second] = await Promise.all([book.begin(run.id), book.begin(run.id)]);
    expect([first?.runId, second]).toEqual([run.id, null]);
    expect(book.waiting()).toEqual([]);
  });

  it('waits its turn by age, not by the text of its id', async () => {
    const { book, artifact } = await withArtifact();
    const young = runOf(1, artifact, { id: 'r_10000_aaaaaa' });
    const old = runOf(1, artifact, { id: 'r_9999_bbbbbb' });
    for (const run of [young, old]) await book.add(run, artifact.digest ?? '');
    expect(book.waiting()).toEqual([old.id, young.id]);
  });

  it('keeps secrets out of its log and its error', async () => {
    const { add, book, run, now } = await withArtifact(null, ['a-very-secret-key']);
    await add();
    book.log(run.id, 'OUTPUT', 'it is a-very-secret-key here');
    await book.end(run.id, { status: 'error', error: 'refused a-very-secret-key' });
    expect(JSON.stringify(await now())).not.toContain('a-very-secret-key');
    expect((await now()).error).toBe('refused [REDACTED]');
  });

  it('can be read although a model sent half a character', async () => {
    const { add, book, run, now } = await withArtifact();
    await add();
    book.log(run.id, 'OUTPUT', 'half \ud83d');
    await book.end(run.id, { status: 'error', error: 'half \ud83d' });
    expect(JSON.stringify(await now())).not.toContain('\\ud83d');
  });

  it('of an artifact without steps asks in the words of the design', () => {
    expect(executable({ prompt: 'P', content: 'C', steps: null })).toEqual([
      {
        ...{ id: 'prompt', kind: 'prompt' },
        text: 'Execute the following approved operation:\n\n--- PROMPT ---\n\nP\n\n--- CONTENT ---\n\nC\n\nProvide the execution result.',
      },
    ]);
  });
});

describe('after the end', () => {
  it.each([
    ['done', 'done'],
    ['error', 'error'],
    ['cancelled', 'cancelled'],
  ] as const)('(%s) whatever comes late changes nothing', async (_name, ending) => {
    const { add, book, run, stored, entry, runsDir, now } = await withArtifact();
    await add();
    await book.begin(run.id);
    if (ending === 'done')
      await book.stepEnded(run.id, 'prompt', { result: { text: 'x', usage: null } });
    else
      await book.end(
        run.id,
        ending === 'error' ? { status: ending, error: 'e' } : { status: ending },
      );
    const before = [await stored(), await entry()];
    book.log(run.id, 'OUTPUT', 'late', 'prompt');
    await book.stepEnded(run.id, 'prompt', { result: { text: 'late', usage: null } });
    await book.end(run.id, { status: 'error', error: 'late' });
    await book.end(run.id, { status: 'cancelled' });
    await book.requestCancel(run.id);
    expect(await book.begin(run.id)).toBeNull();
    expect([await stored(), await entry()]).toEqual(before);
    expect((await now()).status).toBe(ending);
    expect(await readdir(runsDir)).toEqual([`${run.id}.json`]);
  });

  it('and during it a late result is dropped, and a late line leaves no file behind', async () => {
    const { add, book, run, stored, runsDir } = await withArtifact();
    await add();
    await book.begin(run.id);
    const ending = book.end(run.id, { status: 'cancelled' });
    const late = book.stepEnded(run.id, 'prompt', { result: { text: 'late', usage: null } });
    const lines = setInterval(() => book.log(run.id, 'OUTPUT', 'late'), 0);
    await Promise.all([ending, late]);
    clearInterval(lines);
    expect((await stored())?.status).toBe('cancelled');
    expect(await readdir(runsDir)).toEqual([`${run.id}.json`]);
    expect((await stored())?.steps[0]).toMatchObject({ status: 'error', result: null });
  });

  it('a waiting run that was cancelled is not begun', async () => {
    const { add, book, run, stored } = await withArtifact();
    await add();
    expect(await book.requestCancel(run.id)).toBe(true);
    expect(await book.begin(run.id)).toBeNull();
    expect(book.waiting()).toEqual([]);
    expect(await stored()).toMatchObject({ status: 'cancelled', started_at: null, attempt: 0 });
  });
});

describe('whoever reads a run', () => {
  it('never sees fewer lines than before, not while its log file goes either', async () => {
    const parts = await openParts(await tempDir());
    const { runLogs } = parts.store;
    const seen: (readonly [string, number])[] = [];
    const look = async () => {
      const { status, log } = await book.read(run);
      seen.push([status, log.length]);
    };
    const remove = async (id: string) => {
      await look();
      await runLogs.remove(id);
      await look();
    };
    const store = { ...parts.store, runLogs: { ...runLogs, remove } };
    const { book } = await openBook({ ...parts, store });
    const artifact = artifactOf(draftOf(1), parts.ledger);
    await parts.store.approved.put(artifact);
    const run = runOf(1, artifact);
    await book.add(run, artifact.digest ?? '');
    await book.begin(run.id);
    await book.stepEnded(run.id, 'prompt', { result: { text: 'x', usage: null } });
    await look();
    expect(seen).toEqual([
      ['done', 4],
      ['done', 4],
      ['done', 4],
    ]);
  });

  it('of a live run costs no look at its log file; and a cancel waits for no line', async () => {
    const parts = await openParts(await tempDir());
    const slow = gate();
    const runLogs = {
      ...parts.store.runLogs,
      append: () => slow.promise,
      read: () => Promise.reject(new Error('the log file was read')),
    };
    const { book } = await openBook({ ...parts, store: { ...parts.store, runLogs } });
    const artifact = artifactOf(draftOf(1), parts.ledger);
    await parts.store.approved.put(artifact);
    const run = runOf(1, artifact);
    await book.add(run, artifact.digest ?? '');
    const beginning = book.begin(run.id);
    expect(texts(await book.read(run))).toEqual([]);
    slow.resolve();
    await beginning;
    const slower = gate();
    runLogs.append = () => slower.promise;
    book.log(run.id, 'OUTPUT', 'a line', 'prompt');
    expect(await book.requestCancel(run.id)).toBe(false);
    expect(await parts.ledger.runs.get(run.id)).toMatchObject({ cancel_requested: true });
    slower.resolve();
    await book.end(run.id, { status: 'cancelled' });
    expect(texts(await book.read(run)).slice(-2)).toEqual(['a line', 'Run cancelled']);
  });
});

describe('what a run may keep', () => {
  it('is bounded: a result that is too large is refused in words, beside those before it', async () => {
    const { add, book, run, entry } = await withArtifact(prompts);
    await add();
    await book.begin(run.id);
    await book.stepEnded(run.id, 'one', {
      result: { text: 'x'.repeat(mostResultBytes - 100), usage: null },
    });
    const refused = book.stepEnded(run.id, 'two', {
      result: { text: 'x'.repeat(200), usage: null },
    });
    await expect(refused).rejects.toMatchObject({ code: 'payload_too_large' });
    expect(await entry()).toMatchObject({ status: 'running', steps: [{}, { status: 'running' }] });
    await book.stepEnded(run.id, 'two', { result: 'x' });
    expect(await entry()).toMatchObject({ status: 'done' });
  });

  it('does not shrink because of what somebody else wrote into its file', async () => {
    const parts = await openParts(await tempDir());
    const { runs } = parts.store;
    const tooLarge = new GimoError('storage_error', 'The record is larger than 64 MiB.');
    const put: typeof runs.put = (record) =>
      'junk' in record ? Promise.reject(tooLarge) : runs.put(record);
    const { book } = await openBook({
      ...parts,
      store: { ...parts.store, runs: { ...runs, put } },
    });
    const artifact = artifactOf(draftOf(1), parts.ledger);
    const run = runOf(1, artifact);
    await book.add(run, artifact.digest ?? '');
    await runs.put({ ...run, junk: 'as much as a record may hold' });
    await book.end(run.id, { status: 'cancelled' });
    const ended = await runs.get(run.id);
    expect(ended).toMatchObject({ status: 'cancelled', log: [{}, { msg: 'Run cancelled' }] });
  });

  it('is bounded: an error is cut', async () => {
    const { add, book, run, stored } = await withArtifact();
    await add();
    await book.end(run.id, { status: 'error', error: 'x'.repeat(100_000) });
    expect((await stored())?.error).toHaveLength(8192 + ' ... (cut)'.length);
  });
});

describe('a full disk', () => {
  it('while a run is added: it was refused, so it never runs, after a restart neither', async () => {
    const { add, book, parts, entry } = await withArtifact();
    parts.faults.store = full;
    await expect(add()).rejects.toBe(full);
    delete parts.faults.store;
    expect(book.waiting()).toEqual([]);
    expect(await entry()).toBeNull();
    const { book: next } = await openBook(parts);
    await next.recover(unsettled);
    expect(next.waiting()).toEqual([]);
  });

  it('while a waiting run is cancelled: it does not begin, and the next cancel ends it', async () => {
    const parts = await openParts(await tempDir());
    const { core, book } = await startCore(parts, { worker: 'none' });
    const call = calling(core);
    const { id: draft_id } = await call('createDraft', { prompt: 'p' });
    const run_id = (await call('approveDraft', { draft_id, auto_run: true })).run?.id ?? '';
    expect(book.waiting()).toEqual([run_id]);
    parts.faults.ledger = full;
    await expect(call('cancelRun', { run_id })).rejects.toBe(full);
    expect(book.waiting()).toEqual([]);
    delete parts.faults.ledger;
    expect(await call('cancelRun', { run_id })).toMatchObject({ status: 'cancelled' });
    expect(await call('getRun', { run_id })).toMatchObject({ status: 'cancelled' });
  });

  it('while the end is written: the ledger has it, and the next start completes the file', async () => {
    const { add, book, run, parts, stored } = await withArtifact();
    await add();
    await book.begin(run.id);
    parts.faults.store = full;
    expect(await book.stepEnded(run.id, 'prompt', { result: 'r' })).toBe(false);
    delete parts.faults.store;
    await book.end(run.id, { status: 'error', error: 'The disk is full.' });
    const { book: next } = await openBook(parts);
    await next.recover(unsettled);
    expect(await stored()).toMatchObject({ status: 'done', error: null });
  });
});

describe('an artifact that no longer holds when its run begins', () => {
  it.each([
    ['was changed', { content: 'another' }],
    ['lost its seal', { seal: null }],
    ['is another one', { digest: '0'.repeat(64) }],
  ])('because it %s ends the run in words, and is audited', async (_why, fields) => {
    const { add, book, run, artifact, parts, stored } = await withArtifact();
    await add();
    await parts.store.approved.put({ ...artifact, ...fields });
    expect(await book.begin(run.id)).toBeNull();
    const ended = await stored();
    expect(ended).toMatchObject({ status: 'error', attempt: 0, started_at: null });
    expect(ended?.error).toBeTruthy();
    const lines: string[] = [];
    for await (const line of parts.auditFile.lines()) lines.push(line);
    expect(lines).toEqual([expect.stringMatching(/"beginRun".*"outcome":"approval_invalid"/)]);
  });

  it('because it is gone ends the run in words', async () => {
    const { add, book, run, artifact, parts, stored } = await withArtifact();
    await add();
    await parts.store.approved.remove(artifact.id);
    expect(await book.begin(run.id)).toBeNull();
    expect(await stored()).toMatchObject({
      ...{ status: 'error', error: 'The approved artifact of this run is gone.' },
    });
  });
});
