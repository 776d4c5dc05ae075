import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Step } from '../../../src/contract/records.ts';
import {
  artifactOf,
  calling,
  draftOf,
  entryOf,
  openBook,
  openParts,
  runId,
  runOf,
  startCore,
  tempDir,
  unsettled,
} from './support.ts';

const edit: Step = {
  ...{ id: 'e', kind: 'edit' },
  changes: [{ path: 'a.txt', base_sha256: null, text: 'a' }],
};
const broken = new GimoError('storage_error', 'EIO');

/** A ledger whose disk keeps what it refuses: the entry is there, and its folder could not be synced. */
async function onBadDisk() {
  const parts = await openParts(await tempDir());
  const artifact = artifactOf(draftOf(1, { steps: [edit] }), parts.ledger);
  await parts.store.approved.put(artifact);
  const { runs, consumed } = parts.ledger;
  const bad = { put: true, note: false, remove: false };
  const ledger = {
    ...parts.ledger,
    runs: {
      ...runs,
      async put(entry: Parameters<typeof runs.put>[0]) {
        await runs.put(entry);
        if (bad.put) throw broken;
      },
      remove: (id: string) => (bad.remove ? Promise.reject(broken) : runs.remove(id)),
    },
    consumed: {
      ...consumed,
      note: (one: Parameters<typeof consumed.note>[0]) =>
        bad.note ? Promise.reject(broken) : consumed.note(one),
    },
  };
  const restart = async () => {
    parts.ledger.setFence(() => undefined); // what was read into memory is forgotten
    const next = await openBook(parts);
    await next.book.recover(unsettled);
    return next;
  };
  return { parts: { ...parts, ledger }, artifact, bad, restart };
}

describe('a run that was told to have failed', () => {
  it('does not begin after a restart, and its approval makes another', async () => {
    const { parts, bad, restart } = await onBadDisk();
    const { core } = await startCore(parts, { worker: 'none' });
    const call = calling(core);
    const draft = await call('createDraft', { prompt: 'x', steps: [edit] });
    const { approved } = await call('approveDraft', { draft_id: draft.id, digest: draft.digest });
    const create = () => call('createRun', { approved_id: approved.id });
    await expect(create()).rejects.toBe(broken);
    expect((await restart()).book.waiting()).toEqual([]);
    bad.put = false;
    const { id } = await create();
    expect((await restart()).book.waiting()).toEqual([id]);
  });

  it('keeps its approval spent while its entry cannot be removed: it may begin, and no other', async () => {
    const { parts, artifact, bad, restart } = await onBadDisk();
    const { book, consumption } = await openBook(parts);
    const make = (n: number) =>
      consumption.spend(artifact, runId(n), () => book.add(runOf(n, artifact), 'x'));
    bad.remove = true;
    await expect(make(1)).rejects.toBe(broken);
    bad.put = false;
    await expect(make(2)).rejects.toMatchObject({ code: 'approval_consumed' });
    expect((await restart()).consumption.runOf(artifact.id)).toBe(runId(1));
  });
});

describe('an approval', () => {
  it('is not spent twice: on the entry of a run that was refused, and on one whose note failed', async () => {
    const { parts, artifact, bad, restart } = await onBadDisk();
    bad.note = true;
    const { book, consumption } = await openBook(parts);
    const [first, second] = [runOf(1, artifact), runOf(2, artifact)];
    const make = (run: typeof first) =>
      consumption.spend(artifact, run.id, () => book.add(run, artifact.digest ?? ''));
    await expect(make(first)).rejects.toBe(broken);
    bad.put = false;
    await make(second);
    expect(await book.begin(second.id)).not.toBeNull();
    await book.stepEnded(second.id, 'e', { result: { files: [] } });
    await book.drained();
    const next = await restart();
    expect(await next.book.begin(first.id)).toBeNull();
    expect(next.consumption.runOf(artifact.id)).toBe(second.id);
  });

  it('of which there are two entries is spent on the one that has begun, however they are called', async () => {
    const { parts, artifact, restart } = await onBadDisk();
    const entries = parts.ledger.runs;
    for (const n of [1, 2]) {
      const begun = n === 2 ? { attempt: 1, status: 'done' as const } : {};
      await entries.put(entryOf(runOf(n, artifact), artifact, begun)).catch(() => undefined);
    }
    const { book, consumption } = await restart();
    expect(consumption.runOf(artifact.id)).toBe(runId(2));
    expect(await book.begin(runId(1))).toBeNull();
    expect(book.waiting()).toEqual([]);
  });
});
