import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { openDecisions } from '../../../src/core/decisions.ts';
import { createIdempotency } from '../../../src/core/idempotency.ts';
import { createLocks } from '../../../src/core/locks.ts';
import { createUpkeep } from '../../../src/core/upkeep.ts';
import {
  artifactOf,
  draftId,
  draftOf,
  entryOf,
  openBook,
  openParts,
  runId,
  runOf,
  tempDir,
} from './support.ts';

const hour = 3_600_000;
const start = 1_800_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();

async function setUp(more: { runTtlSeconds?: number } = {}) {
  const parts = await openParts(await tempDir());
  const { book, audit, consumption, settings, events, seen } = await openBook(parts);
  const { store, ledger, clock, logger } = parts;
  const idempotency = createIdempotency(parts);
  const decisions = await openDecisions(ledger, logger);
  const cleaned: number[] = [];
  const lockdown = { on: false };
  const forgotten: string[] = [];
  const workspace = { forget: async (id: string) => void forgotten.push(id) };
  const upkeep = createUpkeep({
    ...{ store, ledger, settings, book, idempotency, decisions, audit, events, clock, logger },
    ...{ locks: createLocks(), cleanSnapshots: async () => cleaned.push(clock.now()), ...more },
    ...{ consumption, workspace },
    paused: () => lockdown.on,
  });
  const artifact = artifactOf(draftOf(0), ledger);
  /** A run that ended, as the ledger and its file tell it. */
  const over = async (n: number, finished: number, file: number | null = finished) => {
    const times = { status: 'done' as const, finished_at: iso(finished) };
    const run = runOf(n, artifact, times);
    await ledger.runs.put(entryOf(run, artifact, times));
    await store.runs.put({ ...run, finished_at: file === null ? null : iso(file) });
  };
  return {
    ...parts,
    decisions,
    forgotten,
    upkeep,
    book,
    settings,
    artifact,
    over,
    cleaned,
    seen,
    lockdown,
  };
}

describe('runs', () => {
  it('go with their ledger entry when their time is over, and not before', async () => {
    const { upkeep, over, clock, store, ledger, seen, forgotten } = await setUp();
    await over(1, start);
    await over(2, start + hour);
    clock.time = start + 24 * hour - 1;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(1), runId(2)]);
    clock.time += 1;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(2)]);
    expect((await ledger.runs.all()).map(({ id }) => id)).toEqual([runId(2)]);
    expect(seen).toContain(`run ${runId(1)}`);
    expect(forgotten).toEqual([runId(1)]);
  });

  it('that are live never go, however old they are', async () => {
    const { upkeep, book, artifact, clock, store, ledger } = await setUp();
    const states = ['pending', 'running', 'paused'] as const;
    for (const [n, status] of states.entries()) {
      const run = runOf(n, artifact, { status, finished_at: iso(0) });
      if (status === 'pending') await book.add(run, artifact.digest ?? '');
      else {
        await ledger.runs.put(entryOf(run, artifact));
        await store.runs.put(run);
      }
    }
    clock.time += 1000 * 24 * hour;
    await upkeep.run();
    expect(await store.runs.ids()).toHaveLength(3);
    expect(await ledger.runs.all()).toHaveLength(3);
  });

  it('go by what the ledger says of them, whatever somebody wrote into their file', async () => {
    const { upkeep, over, clock, store } = await setUp();
    clock.time = start + 25 * hour;
    await over(1, clock.time, 0);
    await over(2, start, clock.time);
    await over(3, start, null);
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(1)]);
  });

  it('whose file is gone leave no entry behind', async () => {
    const { upkeep, over, clock, store, ledger } = await setUp();
    await over(1, start);
    await store.runs.remove(runId(1));
    clock.time = start + 25 * hour;
    await upkeep.run();
    expect(await ledger.runs.all()).toEqual([]);
  });

  it('without any entry go by their own times, and stay if those cannot be read', async () => {
    const { upkeep, artifact, clock, store } = await setUp();
    const file = (n: number, finished_at: string | null) =>
      store.runs.put(runOf(n, artifact, { status: 'done', finished_at }));
    await file(1, iso(start));
    await file(2, null);
    await file(3, 'some day');
    clock.time = start + 25 * hour;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(2), runId(3)]);
  });

  it('stay in a lockdown: they may be evidence', async () => {
    const { upkeep, over, clock, store, lockdown } = await setUp();
    await over(1, start);
    clock.time = start + 25 * hour;
    lockdown.on = true;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(1)]);
  });

  it('are kept as long as the environment says, if it says so', async () => {
    const { upkeep, over, clock, store } = await setUp({ runTtlSeconds: 60 });
    await over(1, start);
    clock.time = start + 59_999;
    await upkeep.run();
    expect(await store.runs.ids()).toHaveLength(1);
    clock.time += 1;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([]);
  });
});

describe('what a task of the plan stands on', () => {
  it('stays until something newer of the task takes its place', async () => {
    const { upkeep, over, artifact, clock, store, decisions } = await setUp();
    await over(1, start);
    await over(2, start);
    const approved_id = artifact.id;
    const plan_task_id = 't';
    await decisions.around({ id: draftId(1), status: 'approved', approved_id }, () =>
      store.drafts.put(draftOf(1, { status: 'approved', approved_id, plan_task_id })),
    );
    const task = { id: 't', title: '', scope: '', description: '' };
    const words = { id: 'p', title: '', workspace: '', created: '', objective: '' };
    await store.plan.write({ ...words, tasks: [task] });
    clock.time = start + 25 * hour;
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([runId(2)]);
    await store.drafts.put(draftOf(2, { plan_task_id }));
    await upkeep.run();
    expect(await store.runs.ids()).toEqual([]);
  });
});

describe('drafts', () => {
  it('go some days after they were rejected or failed; others stay', async () => {
    const { upkeep, clock, store, ledger } = await setUp();
    const at = iso(start);
    for (const n of [1, 5])
      await ledger.decided.note({ id: draftId(n), status: 'rejected', approved_id: null });
    await store.drafts.put(draftOf(1, { status: 'rejected', created_at: at, updated_at: at }));
    await store.drafts.put(draftOf(2, { status: 'error', created_at: at, source: 'generate' }));
    await store.drafts.put(draftOf(3, { status: 'draft', created_at: at }));
    await store.drafts.put(draftOf(4, { status: 'approved', created_at: at, updated_at: at }));
    const later = iso(start + hour);
    await store.drafts.put(draftOf(5, { status: 'rejected', created_at: at, updated_at: later }));
    clock.time = start + 7 * 24 * hour;
    await upkeep.run();
    expect(await store.drafts.ids()).toEqual([draftId(3), draftId(4), draftId(5)]);
    expect((await ledger.decided.all()).map(({ id }) => id)).toEqual([draftId(5)]);
  });

  it('stay for ever when the configuration says 0 days', async () => {
    const { upkeep, clock, store, settings } = await setUp();
    await settings.setConfig({ draft_cleanup_ttl_days: 0 });
    await store.drafts.put(draftOf(1, { status: 'rejected', updated_at: iso(0) }));
    clock.time += 10_000 * 24 * hour;
    await upkeep.run();
    expect(await store.drafts.ids()).toEqual([draftId(1)]);
  });

  it('stay when their end cannot be audited, and the rest is done all the same', async () => {
    const { upkeep, store, faults, tells, cleaned, told } = await setUp();
    await store.drafts.put(draftOf(1, { status: 'rejected', updated_at: iso(0) }));
    faults.audit = new GimoError('audit_unavailable', 'no audit');
    const heard = tells('Cleaning up drafts failed');
    await upkeep.run();
    await heard;
    expect(await store.drafts.ids()).toEqual([draftId(1)]);
    expect(cleaned).toHaveLength(1);
    expect(told.some(({ level }) => level === 'warn')).toBe(true);
  });
});
