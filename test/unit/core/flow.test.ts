import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { RunRecord, Step } from '../../../src/contract/records.ts';
import { artifactOf, draftOf, openBook, openParts, runOf, tempDir, unsettled } from './support.ts';

const prompt = (id: string): Step => ({ id, kind: 'prompt', text: id });
const gate = (id: string, title?: string): Step =>
  title === undefined ? { id, kind: 'gate' } : { id, kind: 'gate', title };
const edit: Step = {
  ...{ id: 'e', kind: 'edit' },
  changes: [{ path: 'a.txt', base_sha256: null, text: 'a' }],
};

/** A run of these steps in a book, and what it takes to carry them out by hand. */
async function withRun(steps: Step[]) {
  const parts = await openParts(await tempDir());
  const { book, ...opened } = await openBook(parts);
  const artifact = artifactOf(draftOf(1, { steps }), parts.ledger);
  await parts.store.approved.put(artifact);
  const run = runOf(1, artifact);
  await opened.consumption.spend(artifact, run.id, () => book.add(run, artifact.digest ?? ''));
  const now = async (): Promise<RunRecord> => {
    const found = await parts.store.runs.get(run.id);
    if (found === null) throw new Error('no such run');
    return book.read(found);
  };
  return {
    ...{ ...opened, parts, book, artifact, now, id: run.id },
    begin: () => book.begin(run.id),
    done: (step: string) => book.stepEnded(run.id, step, { result: { text: step, usage: null } }),
    states: async () => (await now()).steps.map(({ status }) => status),
    status: async () => (await now()).status,
  };
}
const texts = (run: RunRecord) => run.log.map(({ msg }) => msg);

describe('a gate', () => {
  it('holds the run, which leaves its slot, until somebody lets it go on', async () => {
    const { book, begin, done, now, states, id } = await withRun([
      ...[prompt('a'), gate('g', 'Ship it?'), prompt('b')],
    ]);
    await begin();
    expect(await done('a')).toBe(false);
    expect(await now()).toMatchObject({ status: 'paused', finished_at: null });
    expect(await states()).toEqual(['done', 'running', 'waiting']);
    expect([book.waiting(), book.working()]).toEqual([[], []]);
    await book.resume(id, 'operator:123');
    expect(await now()).toMatchObject({ status: 'pending' });
    expect(await states()).toEqual(['done', 'done', 'waiting']);
    expect((await now()).steps[1]?.result).toEqual({ continued_by: 'operator:123' });
    expect(book.waiting()).toEqual([id]);
    expect((await begin())?.steps.map((step) => step.id)).toEqual(['b']);
    await done('b');
    await book.drained();
    const ended = await now();
    expect(ended).toMatchObject({ status: 'done', attempt: 1 });
    expect(texts(ended)).toContain('Paused at the gate "Ship it?"');
    expect(texts(ended)).toContain('Continued by operator:123');
  });

  it('that is the first step holds before anything is done', async () => {
    const { begin, book, states, status, id } = await withRun([gate('g'), prompt('a')]);
    expect(await begin()).toBeNull();
    expect([await status(), await states()]).toEqual(['paused', ['running', 'waiting']]);
    await book.resume(id, 'admin:1');
    expect((await begin())?.steps.map((step) => step.id)).toEqual(['a']);
  });

  it('that is the last step ends the run when somebody lets it go on', async () => {
    const { begin, done, book, status, states, id } = await withRun([prompt('a'), gate('g')]);
    await begin();
    await done('a');
    await book.resume(id, 'admin:1');
    expect([await status(), await states()]).toEqual(['done', ['done', 'done']]);
  });

  it('still waits after a restart', async () => {
    const { parts, begin, done, id } = await withRun([prompt('a'), gate('g'), prompt('b')]);
    await begin();
    await done('a');
    const next = await openBook(parts);
    await next.book.recover(unsettled);
    expect(next.book.waiting()).toEqual([]);
    expect(next.book.entry(id)).toMatchObject({ status: 'paused', attempt: 1 });
    await next.book.resume(id, 'admin:1');
    const job = await next.book.begin(id);
    expect(job?.steps.map((step) => step.id)).toEqual(['b']);
    expect(next.book.entry(id)?.attempt).toBe(1);
  });

  it('that its file says is done still waits, for the ledger counts', async () => {
    const { parts, begin, done, now, status, book, id } = await withRun([
      ...[prompt('a'), gate('g'), prompt('b')],
    ]);
    await begin();
    await done('a');
    const file = await now();
    const steps = file.steps.map((step) => ({ ...step, status: 'done' as const }));
    await parts.store.runs.put({ ...file, status: 'running', steps });
    expect([await status(), book.waiting()]).toEqual(['paused', []]);
    const next = await openBook(parts);
    await next.book.recover(unsettled);
    expect([next.book.waiting(), next.book.entry(id)?.status]).toEqual([[], 'paused']);
  });

  it('can be waited at for longer than the approval would have held', async () => {
    const { parts, ...opened } = await withRun([prompt('x')]);
    const expires_at = new Date(parts.clock.time + 60_000).toISOString();
    const steps = [prompt('a'), gate('g'), prompt('b')];
    const artifact = artifactOf(draftOf(2, { steps }), parts.ledger, { expires_at });
    await parts.store.approved.put(artifact);
    const run = runOf(2, artifact);
    await opened.book.add(run, artifact.digest ?? '');
    await opened.book.begin(run.id);
    await opened.book.stepEnded(run.id, 'a', { result: null });
    parts.clock.time += 86_400_000;
    await opened.book.resume(run.id, 'admin:1');
    expect((await opened.book.begin(run.id))?.steps).toHaveLength(1);
  });
});

describe('a pause', () => {
  it('holds a run that waits for a slot', async () => {
    const { book, status, id } = await withRun([prompt('a')]);
    await book.pause(id);
    expect([await status(), book.waiting()]).toEqual(['paused', []]);
    await book.resume(id, 'admin:1');
    expect([await status(), book.waiting()]).toEqual(['pending', [id]]);
  });

  it('lets the step that is under way come to its end, and holds before the next', async () => {
    const { begin, book, now, done, states, id } = await withRun([prompt('a'), prompt('b')]);
    await begin();
    await book.pause(id);
    expect(await now()).toMatchObject({ status: 'running', pause_requested: true });
    expect(await done('a')).toBe(false);
    const held = await now();
    expect(held.status).toBe('paused');
    expect(held).not.toHaveProperty('pause_requested');
    expect(await states()).toEqual(['done', 'waiting']);
    await book.resume(id, 'admin:1');
    expect((await begin())?.steps.map((step) => step.id)).toEqual(['b']);
  });

  it('that comes with the last step changes nothing', async () => {
    const { begin, book, done, status, id } = await withRun([prompt('a')]);
    await begin();
    await book.pause(id);
    await done('a');
    expect(await status()).toBe('done');
  });

  it('does not count as running time', async () => {
    const { parts, begin, book, done, id } = await withRun([prompt('a'), prompt('b')]);
    await begin();
    parts.clock.time += 7_000;
    await book.pause(id);
    await done('a');
    parts.clock.time += 3_600_000;
    await book.resume(id, 'admin:1');
    expect((await begin())?.ranMs).toBe(7_000);
  });
});

describe('a step that failed', () => {
  it('keeps its result, ends the run with its words, and the rest is skipped', async () => {
    const { begin, book, now, states, id } = await withRun([prompt('a'), prompt('b')]);
    await begin();
    const error = 'The command ended with exit code 3.';
    expect(await book.stepEnded(id, 'a', { result: { exit_code: 3 }, error })).toBe(false);
    expect(await now()).toMatchObject({ status: 'error', error });
    expect(await states()).toEqual(['error', 'skipped']);
    expect((await now()).steps[0]?.result).toEqual({ exit_code: 3 });
  });
});

describe('what a step notes', () => {
  it('stands in the ledger until the step has ended, and in no record', async () => {
    const { begin, book, done, now, parts, id } = await withRun([prompt('a'), prompt('b')]);
    await begin();
    await book.note(id, { pid: 7 });
    expect((await parts.ledger.runs.get(id))?.trace).toEqual({ pid: 7 });
    expect(JSON.stringify(await now())).not.toContain('"pid"');
    await done('a');
    expect((await parts.ledger.runs.get(id))?.trace).toBeUndefined();
  });

  it('is refused once the run is over, so that the step does not go on', async () => {
    const { begin, book, id } = await withRun([prompt('a')]);
    await begin();
    await book.end(id, { status: 'cancelled' });
    await expect(book.note(id, { pid: 7 })).rejects.toMatchObject({ code: 'conflict_state' });
  });

  it('is handed to whoever settles the step after a crash, whose words end the run', async () => {
    const { parts, begin, book, id } = await withRun([edit]);
    await begin();
    await book.note(id, { kept: true });
    const next = await openBook(parts);
    const asked: unknown[] = [];
    await next.book.recover(async (...what) => {
      asked.push(what.map((one) => (typeof one === 'object' ? { ...one } : one)));
      return 'Its files were put back.';
    });
    expect(asked).toEqual([
      [id, expect.objectContaining({ id: 'e', kind: 'edit' }), { kept: true }],
    ]);
    expect((await parts.store.runs.get(id))?.error).toBe(
      'The server stopped while step "e" was running. Its files were put back.',
    );
  });

  it('is settled also for a run that was being cancelled', async () => {
    const { parts, begin, book, id } = await withRun([edit]);
    await begin();
    await book.requestCancel(id);
    const next = await openBook(parts);
    let settled = 0;
    await next.book.recover(async () => {
      settled += 1;
      return '';
    });
    expect([settled, (await parts.store.runs.get(id))?.status]).toEqual([1, 'cancelled']);
  });
});

describe('an approval with effects', () => {
  it('is spent on its run, and makes no other', async () => {
    const { artifact, artifacts, consumption, id } = await withRun([edit]);
    expect(artifacts.show(artifact)).toMatchObject({ consumed_by: id, runnable: false });
    expect(artifacts.blocked(artifact)?.code).toBe('approval_consumed');
    expect(artifacts.blocked(artifact, { id, attempt: 0 })).toBeNull();
    const again = consumption.spend(artifact, 'r_2_00000b', async () => 'made');
    await expect(again).rejects.toMatchObject({ code: 'approval_consumed' });
  });

  it('stays spent when its file says otherwise, after a restart, and once its run is gone', async () => {
    const { parts, artifact, id } = await withRun([edit]);
    await parts.ledger.runs.remove(id);
    const { artifacts } = await openBook(parts);
    const reset = { ...artifact, consumed_by: null };
    expect(artifacts.show(reset).consumed_by).toBe(id);
    expect(artifacts.blocked(reset)?.code).toBe('approval_consumed');
  });

  it('is spent when a crash came between its run and the note of it', async () => {
    const { parts, artifact, id } = await withRun([prompt('x')]);
    const draft = draftOf(3, { steps: [edit] });
    const other = artifactOf(draft, parts.ledger);
    await parts.store.approved.put(other);
    const run = runOf(3, other);
    const { book } = await openBook(parts);
    await book.add(run, other.digest ?? '');
    const { artifacts } = await openBook(parts);
    expect(artifacts.blocked(other)?.code).toBe('approval_consumed');
    expect(artifacts.blocked(artifact, { id, attempt: 0 })).toBeNull();
    await parts.ledger.runs.remove(run.id);
    expect((await openBook(parts)).consumption.runOf(other.id)).toBe(run.id);
  });

  it('is not spent by a run that could not be made, and by one of two at once', async () => {
    const { parts, consumption, artifacts } = await withRun([prompt('x')]);
    const other = artifactOf(draftOf(4, { steps: [edit] }), parts.ledger);
    const full = new GimoError('storage_full', 'No room.');
    const failed = consumption.spend(other, 'r_4_00000a', () => Promise.reject(full));
    await expect(failed).rejects.toBe(full);
    expect(artifacts.blocked(other)).toBeNull();
    const both = await Promise.allSettled(
      ['r_4_00000b', 'r_4_00000c'].map((id) => consumption.spend(other, id, async () => id)),
    );
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('without effects runs again and again', async () => {
    const { artifact, artifacts } = await withRun([prompt('a'), gate('g')]);
    expect(artifacts.show(artifact)).toMatchObject({ consumed_by: null, runnable: true });
  });
});
