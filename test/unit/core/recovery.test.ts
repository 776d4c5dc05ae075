import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunRecord, Step } from '../../../src/contract/records.ts';
import type { RunEntry } from '../../../src/core/ledger-ports.ts';
import {
  artifactOf,
  draftOf,
  entryOf,
  openBook,
  openParts,
  runId,
  runOf,
  tempDir,
  unsettled,
} from './support.ts';

const began = '2027-01-15T08:00:01.000Z';
const line = { ts: began, level: 'OUTPUT', msg: 'so far' };
const begun = { status: 'running', started_at: began } as const;

interface State {
  steps?: Step[];
  /** Left out: there is none. */
  entry?: Partial<RunEntry>;
  file?: Partial<RunRecord>;
  log?: boolean;
}

/** Puts a run on disk as a crash left it, starts, and tells what became of it. */
async function recovered({ steps, entry, file, log }: State) {
  const parts = await openParts(await tempDir());
  const { store, ledger } = parts;
  const artifact = artifactOf(draftOf(1, { steps: steps ?? null }), ledger);
  await store.approved.put(artifact);
  const run = runOf(1, artifact);
  if (entry !== undefined) await ledger.runs.put(entryOf(run, artifact, entry));
  if (file !== undefined) await store.runs.put({ ...run, ...file });
  if (log === true) await store.runLogs.append(run.id, [line]);
  const { book } = await openBook(parts);
  await book.recover(unsettled);
  const stored = await store.runs.get(run.id);
  return {
    ...{ parts, book, run, artifact, stored },
    now: stored === null ? null : await book.read(stored),
    files: await readdir(join(parts.dataDir, 'ops', 'runs')),
  };
}
const steps: Step[] = [
  { id: 'one', kind: 'prompt', text: 'first' },
  { id: 'two', kind: 'prompt', text: 'second' },
];
const stepsAt = (one: object, two: object = {}) =>
  [
    { id: 'one', kind: 'prompt' as const, ...one },
    { id: 'two', kind: 'prompt' as const, ...two },
  ].map((step) => ({
    ...{ status: 'waiting' as const, started_at: null, finished_at: null, result: null },
    ...step,
  }));

describe('after a restart', () => {
  it('an entry whose file was not written yet is a run that waits', async () => {
    const { book, run, stored } = await recovered({ entry: {} });
    expect(stored).toEqual(run);
    expect(book.waiting()).toEqual([run.id]);
    expect(await book.begin(run.id)).not.toBeNull();
  });

  it('a waiting run waits', async () => {
    const { book, run } = await recovered({ entry: {}, file: {}, log: true });
    expect(book.waiting()).toEqual([run.id]);
  });

  it('a run in the middle of a prompt is repeated from there, and says so', async () => {
    const middle = stepsAt({ status: 'done', result: { text: 'kept' } }, begun);
    const entry = { ...begun, steps: middle, attempt: 1 };
    const { book, run, parts } = await recovered({ steps, entry, file: begun, log: true });
    expect(book.waiting()).toEqual([run.id]);
    const job = await book.begin(run.id);
    expect(job?.steps.map(({ id }) => id)).toEqual(['two']);
    await book.stepEnded(run.id, 'two', { result: { text: 'new' } });
    const done = await parts.store.runs.get(run.id);
    expect(done).toMatchObject({ status: 'done', attempt: 2, started_at: began });
    expect(done?.steps.map(({ result }) => result)).toEqual([{ text: 'kept' }, { text: 'new' }]);
    expect(done?.log.map(({ msg }) => msg)).toEqual([
      ...['so far', 'Execution resumed', 'Provider: offline (offline)', 'Execution completed'],
    ]);
  });

  it.each(['command', 'edit', 'gate'] as const)(
    'a run in the middle of a step of kind %s ends, and says what may have happened',
    async (kind) => {
      const middle = stepsAt({ kind, ...begun });
      const { book, now, files, run } = await recovered({
        ...{ steps, entry: { ...begun, steps: middle, attempt: 1 }, file: begun, log: true },
      });
      expect(book.waiting()).toEqual([]);
      expect(now).toMatchObject({ status: 'error', attempt: 1 });
      expect(now?.error).toContain('step "one" was running. It may or may not have happened');
      expect(now?.steps.map(({ status }) => status)).toEqual(['error', 'skipped']);
      expect(now?.log[0]).toEqual(line);
      expect(files).toEqual([`${run.id}.json`]);
    },
  );

  it.each([
    ['running', begun],
    ['waiting', {}],
  ])('a %s run that somebody wanted to stop is cancelled', async (_state, state) => {
    const entry = { ...state, cancel_requested: true };
    const { book, now, parts, run } = await recovered({ entry, file: state });
    expect(book.waiting()).toEqual([]);
    expect(now?.status).toBe('cancelled');
    expect((await parts.ledger.runs.get(run.id))?.status).toBe('cancelled');
  });

  it.each(['done', 'error', 'cancelled'] as const)(
    'an entry that is over (%s) completes the file that is not',
    async (status) => {
      const entry = { status, finished_at: began, started_at: began, attempt: 1 };
      const { book, stored, files, run } = await recovered({ entry, file: begun, log: true });
      expect(stored).toMatchObject({ status, finished_at: began, log: [line] });
      expect(files).toEqual([`${run.id}.json`]);
      expect(book.waiting()).toEqual([]);
    },
  );

  it('a log that already stands in its record is not left lying there', async () => {
    const over = { status: 'done', finished_at: began } as const;
    const { stored, files, run } = await recovered({
      ...{ entry: over, file: { ...over, log: [line] }, log: true },
    });
    expect(stored?.log).toEqual([line]);
    expect(files).toEqual([`${run.id}.json`]);
  });

  it('a run that is over gets the file back that somebody deleted', async () => {
    const entry = { status: 'done', finished_at: began } as const;
    const { stored, now, book } = await recovered({ entry });
    expect(stored).toMatchObject(entry);
    expect(now).toEqual(stored);
    expect(book.waiting()).toEqual([]);
  });

  it.each(['done', 'error', 'cancelled', 'paused'] as const)(
    'a file that says %s does not end a run: the ledger knows',
    async (status) => {
      const { book, now, run } = await recovered({ entry: {}, file: { status } });
      expect(now?.status).toBe('pending');
      expect(book.waiting()).toEqual([run.id]);
    },
  );

  it('a live run whose file cannot be read gets a new one', async () => {
    const parts = await openParts(await tempDir());
    const artifact = artifactOf(draftOf(1), parts.ledger);
    const run = runOf(1, artifact);
    await parts.ledger.runs.put(entryOf(run, artifact));
    const path = join(parts.dataDir, 'ops', 'runs', `${run.id}.json`);
    await writeFile(path, '{"id": "r_');
    const { book } = await openBook(parts);
    await book.recover(unsettled);
    expect(await parts.store.runs.get(run.id)).toEqual(run);
    expect(await parts.store.quarantined()).toHaveLength(1);
  });

  it('unknown fields of a run survive the rewrite of its file', async () => {
    const entry = { status: 'done', finished_at: began } as const;
    const { stored } = await recovered({ entry, file: { ...begun, later: { kept: 1 } } });
    expect(stored).toMatchObject({ status: 'done', later: { kept: 1 } });
  });
});

describe('the log of a live run', () => {
  const gated: Step[] = [
    { id: 'one', kind: 'prompt', text: 'first' },
    { id: 'look', kind: 'gate' },
    { id: 'two', kind: 'prompt', text: 'second' },
  ];
  /** A run that waits at its gate, and what becomes of it when its log is other at the next start. */
  async function restarted(changing: (text: string) => string) {
    const parts = await openParts(await tempDir());
    const artifact = artifactOf(draftOf(1, { steps: gated }), parts.ledger);
    await parts.store.approved.put(artifact);
    const { book } = await openBook(parts);
    const { id } = runOf(1, artifact);
    await book.add(runOf(1, artifact), artifact.digest ?? '');
    await book.begin(id);
    book.log(id, 'OUTPUT', '3 tests failed', 'one');
    await book.stepEnded(id, 'one', { result: null });
    await book.drained();
    const path = join(parts.dataDir, 'ops', 'runs', `${id}.log.jsonl`);
    await writeFile(path, changing(await readFile(path, 'utf8')));
    const next = await openBook(parts);
    await next.book.recover(unsettled);
    const texts = async () => (await next.book.find(id))?.log.map(({ msg }) => msg) ?? [];
    const atGate = await texts();
    await next.book.resume(id, 'admin:1');
    await next.book.begin(id);
    await next.book.stepEnded(id, 'two', { result: null });
    return { atGate, after: await texts() };
  }
  const changed = expect.stringContaining('was changed outside');

  it.each([
    ['with other words', (text: string) => text.replace('3 tests failed', 'All tests pass')],
    ['without a line', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['without its last lines', (text: string) => text.slice(0, text.indexOf('\n') + 1)],
    ['empty', () => ''],
  ])('is not taken for what GIMO wrote when it comes back %s: it says so', async (_how, forge) => {
    const { atGate, after } = await restarted(forge);
    expect(atGate[0]).toEqual(changed);
    expect(after.slice(0, atGate.length)).toEqual(atGate);
    expect(after.slice(1)).not.toContainEqual(changed);
  });

  it('is taken for it when it is as it was, with the lines of its last moments', async () => {
    const { atGate, after } = await restarted((text) => text);
    expect(atGate).toContain('3 tests failed');
    expect(atGate.at(-1)).toBe('Paused at the gate "look"');
    expect(after).not.toContainEqual(changed);
    const more = `${JSON.stringify({ ts: began, level: 'OUTPUT', msg: 'written in a crash' })}\n`;
    expect((await restarted((text) => text + more)).atGate.at(-1)).toBe('written in a crash');
  });
});

describe('a run that cannot be recovered', () => {
  /** Two runs, of which the first cannot be written. */
  async function withOne(fields: Partial<RunEntry>) {
    const parts = await openParts(await tempDir());
    const artifact = artifactOf(draftOf(1), parts.ledger);
    await parts.store.approved.put(artifact);
    const [bad, good] = [runOf(1, artifact), runOf(2, artifact)];
    await parts.ledger.runs.put(entryOf(bad, artifact, fields));
    await parts.ledger.runs.put(entryOf(good, artifact));
    await parts.store.runs.put({ ...bad, ...begun });
    const refuse = new Error('refused');
    const { runs } = parts.store;
    const refusing = {
      ...runs,
      put: (run: RunRecord) => (run.id === bad.id ? Promise.reject(refuse) : runs.put(run)),
    };
    const entries = parts.ledger.runs;
    const ledger = {
      ...parts.ledger,
      runs: {
        ...entries,
        put: (entry: RunEntry) =>
          entry.id === bad.id ? Promise.reject(refuse) : entries.put(entry),
      },
    };
    const store = { ...parts.store, runs: refusing };
    return { parts, bad, good, ...(await openBook({ ...parts, store, ledger })) };
  }

  it('because its file is refused is told, keeps nobody from starting, and is shown as it ended', async () => {
    const { book, bad, good, parts } = await withOne({ status: 'cancelled', finished_at: began });
    await book.recover(unsettled);
    expect(book.waiting()).toEqual([good.id]);
    expect(await book.read({ ...bad, ...begun })).toMatchObject({ status: 'cancelled' });
    expect(parts.told.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${bad.id} could not be recovered`),
    ]);
  });

  it('because its end is refused does not begin after all', async () => {
    const command = stepsAt(begun).map((step) => ({ ...step, kind: 'command' as const }));
    const { book, bad, good } = await withOne({ ...begun, steps: command });
    await book.recover(unsettled);
    expect(book.waiting()).toEqual([good.id]);
    expect(await book.begin(bad.id)).toBeNull();
  });
});

describe('a run file that no entry stands behind', () => {
  it.each(['pending', 'running', 'paused'] as const)(
    '(%s) never executes: it ends in words, audited',
    async (status) => {
      const { book, now, parts, run } = await recovered({ file: { status, log: [line] } });
      expect(book.waiting()).toEqual([]);
      expect(await book.begin(run.id)).toBeNull();
      expect(now).toMatchObject({ status: 'error', attempt: 0 });
      expect(now?.error).toContain('GIMO did not start this run');
      expect(now?.log).toEqual([line, expect.objectContaining({ level: 'ERROR' })]);
      const lines: string[] = [];
      for await (const entry of parts.auditFile.lines()) lines.push(entry);
      expect(lines).toEqual([
        expect.stringMatching(/"endUnknownRun".*"outcome":"intent"/),
        expect.stringMatching(/"endUnknownRun".*"outcome":"done"/),
      ]);
    },
  );

  it('that is over is left as it is, and not believed: what was approved here has entries', async () => {
    const { stored, run, now, book } = await recovered({ file: { status: 'done', log: [line] } });
    expect(stored).toEqual({ ...run, status: 'done', log: [line] });
    expect(now?.status).toBe('error');
    expect(now?.error).toContain('GIMO did not start this run');
    expect((await book.glance(run)).error).toContain('GIMO did not start this run');
  });

  it('that is over is believed where nothing was approved here: the Python service wrote it', async () => {
    const { parts, book, run, artifact } = await recovered({ file: { status: 'done' } });
    await parts.store.approved.put({ ...artifact, seal: null, digest: null, key_id: null });
    const done = { ...run, status: 'done' as const };
    expect(await book.glance(done)).toEqual(done);
    await parts.store.approved.remove(artifact.id);
    expect(await book.find(run.id)).toEqual(done);
  });

  it('is found behind more than a thousand that wait', async () => {
    const dir = await tempDir();
    const first = await openParts(dir);
    const artifact = artifactOf(draftOf(1), first.ledger);
    await first.close();
    const runs = join(first.dataDir, 'ops', 'runs');
    await mkdir(join(dir, 'ledger', 'runs'), { recursive: true });
    // The forged one is the oldest, so that it comes last in a list.
    for (let n = 0; n <= 1001; n += 1) {
      const run = runOf(1, artifact, { id: runId(n) });
      await writeFile(join(runs, `${run.id}.json`), JSON.stringify(run));
      const entry = join(dir, 'ledger', 'runs', `${run.id}.json`);
      if (n > 0) await writeFile(entry, JSON.stringify(entryOf(run, artifact)));
    }
    const parts = await openParts(dir);
    const { book } = await openBook(parts);
    await book.recover(unsettled);
    expect(book.waiting()).toHaveLength(1001);
    expect((await parts.store.runs.get(runId(0)))?.status).toBe('error');
  });
});
