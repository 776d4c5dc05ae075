import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { createIdempotency } from '../../../src/core/idempotency.ts';
import { mostEntries } from '../../../src/store/idempotency.ts';
import { draftId, draftOf, gate, openParts, type Parts, tempDir } from './support.ts';

const attempt = {
  actor: 'admin:000',
  operation: 'createDraft',
  key: 'k',
  request: { prompt: 'x' },
};
const day = 24 * 60 * 60 * 1000;

/** Counts how often the effect happened; a replay answers the ids. */
function doer(parts: Parts) {
  const idempotency = createIdempotency(parts);
  const done = { effects: 0 };
  const once = (
    n: number,
    effect: () => Promise<void> = async () => parts.store.drafts.put(draftOf(n)),
  ) =>
    idempotency.once<string>(
      attempt,
      async ([id = '']) => ((await parts.store.drafts.get(id)) === null ? null : `again ${id}`),
      (keep) =>
        keep([draftId(n)], async () => {
          done.effects += 1;
          await effect();
          return draftId(n);
        }),
    );
  return { idempotency, once, done };
}

const fileOf = (parts: Parts) => join(parts.dir, 'ledger', 'idempotency.jsonl');
/** The same directory, as the next process finds it. */
async function reopened(parts: Parts) {
  await parts.close();
  const next = await openParts(parts.dir);
  const made = doer(next);
  await made.idempotency.settle();
  return { parts: next, ...made };
}

describe('an attempt with a key', () => {
  it('is done once, also over a restart', async () => {
    const parts = await openParts(await tempDir());
    const { once } = doer(parts);
    expect(await once(1)).toBe(draftId(1));
    expect(await once(2)).toBe(`again ${draftId(1)}`);
    const next = await reopened(parts);
    expect(await next.once(3)).toBe(`again ${draftId(1)}`);
    expect(next.done.effects).toBe(0);
  });

  it('that a crash cut off before its effect is done when it is tried again', async () => {
    const parts = await openParts(await tempDir());
    await doer(parts).once(1);
    const [begun] = (await readFile(fileOf(parts), 'utf8')).split('\n');
    await parts.store.drafts.remove(draftId(1));
    await writeFile(fileOf(parts), `${begun}\n`);
    const next = await reopened(parts);
    expect(await next.once(2)).toBe(draftId(2));
  });

  it('that a crash cut off after its effect is not done again, nor once the record is gone', async () => {
    const parts = await openParts(await tempDir());
    await doer(parts).once(1);
    const [begun] = (await readFile(fileOf(parts), 'utf8')).split('\n');
    await writeFile(fileOf(parts), `${begun}\n`);
    const next = await reopened(parts);
    expect(await next.once(2)).toBe(`again ${draftId(1)}`);
    await next.parts.store.drafts.remove(draftId(1));
    const last = await reopened(next.parts);
    await expect(last.once(3)).rejects.toMatchObject({ code: 'not_found' });
    expect(last.done.effects).toBe(0);
  });

  it('is noted before its effect begins', async () => {
    const parts = await openParts(await tempDir());
    const { once } = doer(parts);
    await once(1, async () => {
      expect(await readFile(fileOf(parts), 'utf8')).toContain(draftId(1));
      await parts.store.drafts.put(draftOf(1));
    });
  });

  it('does not begin when it cannot be noted', async () => {
    const parts = await openParts(await tempDir());
    const { once, done } = doer(parts);
    parts.faults.ledger = new GimoError('storage_full', 'no room');
    await expect(once(1)).rejects.toMatchObject({ code: 'storage_full' });
    expect(done.effects).toBe(0);
    delete parts.faults.ledger;
    expect(await once(2)).toBe(draftId(2));
  });

  it('whose effect fails keeps nothing', async () => {
    const parts = await openParts(await tempDir());
    const { once } = doer(parts);
    const fails = async () => Promise.reject(new GimoError('storage_error', 'no'));
    await expect(once(1, fails)).rejects.toMatchObject({ code: 'storage_error' });
    expect(await once(2)).toBe(draftId(2));
  });

  it('waits for the one that is under way, and is done if that one fails', async () => {
    const parts = await openParts(await tempDir());
    const { once, done } = doer(parts);
    const held = gate();
    const first = once(1, async () => {
      await held.promise;
      throw new GimoError('storage_error', 'no');
    });
    const second = once(2);
    held.resolve();
    await expect(first).rejects.toThrow();
    expect(await second).toBe(draftId(2));
    expect(done.effects).toBe(2);
  });

  it('is forgotten after 24 hours, by the clock', async () => {
    const parts = await openParts(await tempDir());
    const { once, idempotency } = doer(parts);
    await once(1);
    parts.clock.time += day - 1;
    await idempotency.sweep();
    expect(await once(2)).toBe(`again ${draftId(1)}`);
    parts.clock.time += 1;
    expect(await once(3)).toBe(draftId(3));
    parts.clock.time += day;
    await idempotency.sweep();
    expect(await parts.ledger.idempotency.all()).toEqual([]);
  });
});

describe('the file of entries', () => {
  it('loses a torn last line, and nothing else', async () => {
    const parts = await openParts(await tempDir());
    await doer(parts).once(1);
    await appendFile(fileOf(parts), '{"slot":"half');
    const next = await reopened(parts);
    expect(await next.once(2)).toBe(`again ${draftId(1)}`);
    expect(await readFile(fileOf(next.parts), 'utf8')).not.toContain('half');
  });

  it('keeps so many of one actor, and none of them push out those of another', async () => {
    const dir = await tempDir();
    const parts = await openParts(dir);
    const entry = (n: number, actor: string) => ({
      ...{ slot: `${actor}-${n}`, actor, request: '', records: [], at: n, done: true },
    });
    const lines = Array.from({ length: mostEntries }, (_, n) => entry(n, 'agent:1'));
    const all = [entry(0, 'operator:1'), ...lines];
    await writeFile(fileOf(parts), all.map((one) => `${JSON.stringify(one)}\n`).join(''));
    await parts.ledger.idempotency.begin(entry(mostEntries, 'agent:1'));
    const { idempotency } = parts.ledger;
    expect(await idempotency.get('agent:1-0')).toBeNull();
    expect(await idempotency.get('agent:1-1')).not.toBeNull();
    expect(await idempotency.get('operator:1-0')).not.toBeNull();
    expect(await idempotency.all()).toHaveLength(mostEntries + 1);
  });

  it('is written anew when most of it is past', async () => {
    const parts = await openParts(await tempDir());
    const { idempotency } = parts.ledger;
    const entry = { slot: 's', actor: 'a', request: '', records: [], at: 1, done: false };
    await idempotency.begin(entry);
    for (let n = 0; n < 1100; n += 1) await idempotency.finish('s');
    expect((await readFile(fileOf(parts), 'utf8')).split('\n').length).toBeLessThan(200);
    expect(await idempotency.get('s')).toEqual({ ...entry, done: true });
  });
});
