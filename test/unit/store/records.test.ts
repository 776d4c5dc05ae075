import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { jsonIssues } from '../../../src/contract/json.ts';
import { draftId, draftOf, ids, opened, refusal, runId, tempDir } from './support.ts';

describe('a record', () => {
  test('comes back as it was written, now and after a restart', async () => {
    const dir = await tempDir();
    const { store } = await opened(dir);
    const draft = draftOf(1, { context: { deep: [{ a: null }] } });
    await store.drafts.put(draft);
    expect(await store.drafts.get(draft.id)).toEqual(draft);
    const again = await opened(dir);
    expect(await again.store.drafts.get(draft.id)).toEqual(draft);
  });

  test('any text and any JSON context comes back unchanged', async () => {
    const dir = await tempDir();
    const { store } = await opened(dir);
    const unit = fc.constantFrom('grapheme' as const, 'binary' as const);
    const text = unit.chain((one) => fc.string({ unit: one }));
    const json = fc
      .dictionary(text, fc.jsonValue({ stringUnit: 'binary', depthSize: 'small' }))
      .filter((found) => jsonIssues(found).every(({ type }) => type === 'string_null'));
    let n = 0;
    await fc.assert(
      fc.asyncProperty(text, json, async (prompt, found) => {
        const context = JSON.parse(JSON.stringify(found));
        n += 1;
        const draft = draftOf(n, { prompt, context });
        await store.drafts.put(draft);
        expect(await store.drafts.get(draft.id)).toEqual(draft);
        expect(
          JSON.parse(await readFile(join(dir, 'ops/drafts', `${draft.id}.json`), 'utf8')),
        ).toEqual(draft);
      }),
      { numRuns: 60 },
    );
    const fresh = await opened(dir);
    expect((await fresh.store.drafts.list({ limit: 1000 })).records).toHaveLength(n);
    expect(await fresh.store.quarantined()).toEqual([]);
  });

  test('that could not be read again is not written, and the one before it stays', async () => {
    const { store, path } = await opened(await tempDir());
    await store.drafts.put(draftOf(1));
    const before = await readFile(path('drafts', `${draftId(1)}.json`), 'utf8');
    const deep = JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`);
    for (const [found, said] of [
      [JSON.parse('{"__proto__":{}}'), '__proto__'],
      ['half \ud800', 'surrogate'],
      [deep, 'deeper than 64 levels'],
    ]) {
      const error = await refusal(store.drafts.put(draftOf(1, { context: { found: [found] } })));
      expect(GimoError.is(error, 'storage_error')).toBe(true);
      expect(String(error)).toContain(said);
    }
    expect(await readFile(path('drafts', `${draftId(1)}.json`), 'utf8')).toBe(before);
    expect(await store.drafts.get(draftId(1))).toEqual(draftOf(1));
    expect(await store.quarantined()).toEqual([]);
  });

  test('keeps fields that this version does not know when it is written again', async () => {
    const dir = await tempDir();
    const { store, path } = await opened(dir);
    const known = { ...draftOf(1), from_tomorrow: { x: [1] } };
    await writeFile(path('drafts', `${draftId(1)}.json`), JSON.stringify(known));
    const found = await store.drafts.get(draftId(1));
    await store.drafts.put({ ...draftOf(1), ...found, status: 'rejected' });
    const text = await readFile(path('drafts', `${draftId(1)}.json`), 'utf8');
    expect(JSON.parse(text)).toEqual({ ...known, status: 'rejected' });
  });

  test('that is written twice in a tick of the clock, and read in between, is the last one', async () => {
    const { store, path } = await opened(await tempDir());
    const file = path('drafts', `${draftId(1)}.json`);
    for (const prompt of Array.from({ length: 200 }, (_, n) => String(1_000 + n))) {
      // In place and of one length: inode and size stay, and so does the time of change within a tick.
      writeFileSync(file, JSON.stringify(draftOf(1, { prompt })));
      expect(await store.drafts.get(draftId(1))).toMatchObject({ prompt });
    }
  });

  test('cannot be changed by somebody who has read it', async () => {
    const { store } = await opened(await tempDir());
    await store.drafts.put(draftOf(1));
    const found = await store.drafts.get(draftId(1));
    expect(() => Object.assign(found ?? {}, { status: 'approved' })).toThrow(TypeError);
    expect(() => Object.assign(found?.context ?? {}, { a: 1 })).toThrow(TypeError);
  });

  test('has the mode 0600 in a folder of 0700', async () => {
    const { store, path } = await opened(await tempDir());
    await store.drafts.put(draftOf(1));
    expect((await stat(path('drafts', `${draftId(1)}.json`))).mode & 0o777).toBe(0o600);
    expect((await stat(path('drafts', ''))).mode & 0o777).toBe(0o700);
  });

  test('is not written, and not removed, once the claim is lost', async () => {
    let lost = false;
    const fence = () => {
      if (lost) throw new GimoError('not_writer', 'Lost.');
    };
    const { store, path } = await opened(await tempDir(), fence);
    await store.drafts.put(draftOf(1));
    const before = await readFile(path('drafts', `${draftId(1)}.json`), 'utf8');
    lost = true;
    for (const act of [
      () => store.drafts.put(draftOf(1, { status: 'rejected' })),
      () => store.drafts.remove(draftId(1)),
      () => store.config.write({}),
      () => store.runLogs.append(runId(1), [{ ts: '', level: '', msg: '' }]),
    ])
      expect(GimoError.is(await refusal(act()), 'not_writer')).toBe(true);
    expect(await readFile(path('drafts', `${draftId(1)}.json`), 'utf8')).toBe(before);
    expect(await readdir(path('drafts', ''))).toEqual([`${draftId(1)}.json`]);
    expect((await store.drafts.get(draftId(1)))?.status).toBe('draft');
  });

  test('an id of another form never becomes a path', async () => {
    const dir = await tempDir();
    const { store } = await opened(dir);
    await writeFile(join(dir, 'd_1_abcdef.json'), JSON.stringify(draftOf(1)));
    for (const id of ['../../d_1_abcdef', '/etc/passwd', 'd_1', 'd_1_ABCDEF', '', runId(1)]) {
      expect(await store.drafts.get(id)).toBeNull();
      await store.drafts.remove(id);
      const error = await refusal(store.drafts.put(draftOf(1, { id })));
      expect(GimoError.is(error, 'internal')).toBe(true);
    }
  });

  test('writes to one id end in the order in which they began', async () => {
    const { store } = await opened(await tempDir());
    const writes = Array.from({ length: 20 }, (_, n) =>
      store.drafts.put(draftOf(1, { prompt: String(n) })),
    );
    await Promise.all(writes);
    expect((await store.drafts.get(draftId(1)))?.prompt).toBe('19');
  });
});

describe('a list', () => {
  test('has pages, newest first, with one total', async () => {
    const { store } = await opened(await tempDir());
    for (const n of [3, 1, 5, 2, 4]) await store.drafts.put(draftOf(n));
    const pages: string[][] = [];
    let before: string | null | undefined;
    do {
      const page = await store.drafts.list({ limit: 2, ...(before ? { before } : {}) });
      expect(page.total).toBe(5);
      pages.push(page.records.map(({ id }) => id));
      before = page.next;
    } while (before !== null);
    expect(pages).toEqual([[5, 4], [3, 2], [1]].map((page) => page.map(draftId)));
  });

  test('keeps to the states that are asked for, in pages too', async () => {
    const { store } = await opened(await tempDir());
    const states = ['draft', 'error', 'rejected', 'draft', 'error', 'approved'] as const;
    for (const [n, status] of states.entries()) await store.drafts.put(draftOf(n, { status }));
    const status = ['draft', 'error'];
    const first = await store.drafts.list({ limit: 3, status });
    expect(first.records.map(({ id }) => id)).toEqual([4, 3, 1].map(draftId));
    expect(first).toMatchObject({ total: 4, next: draftId(1) });
    const second = await store.drafts.list({ limit: 3, status, before: draftId(1) });
    expect(second.records.map(({ id }) => id)).toEqual([draftId(0)]);
    expect(second).toMatchObject({ total: 4, next: null });
    await store.drafts.put(draftOf(4, { status: 'rejected' }));
    await store.drafts.remove(draftId(3));
    expect(await ids(store.drafts, { status })).toEqual([1, 0].map(draftId));
    expect(await store.drafts.counts()).toEqual({ draft: 1, error: 1, rejected: 2, approved: 1 });
  });

  test('notices what was added, changed and deleted by hand', async () => {
    const { store, path } = await opened(await tempDir());
    await store.drafts.put(draftOf(1));
    await store.drafts.put(draftOf(2));
    expect(await ids(store.drafts)).toEqual([2, 1].map(draftId));
    await writeFile(path('drafts', `${draftId(3)}.json`), JSON.stringify(draftOf(3)));
    expect(await ids(store.drafts)).toEqual([3, 2, 1].map(draftId));
    expect(await store.drafts.ids()).toEqual([1, 2, 3].map(draftId));
    await unlink(path('drafts', `${draftId(2)}.json`));
    expect(await ids(store.drafts)).toEqual([3, 1].map(draftId));
    const text = JSON.stringify(draftOf(1, { status: 'rejected' }));
    await writeFile(path('drafts', `${draftId(1)}.json`), text);
    expect(await ids(store.drafts, { status: ['rejected'] })).toEqual([draftId(1)]);
    expect(await ids(store.drafts, { status: ['draft'] })).toEqual([draftId(3)]);
  });

  test('leaves a file that somebody is saving where it is until it is written', async () => {
    const { store, path } = await opened(await tempDir());
    await store.drafts.put(draftOf(1));
    const [saved, fresh] = [1, 2].map((n) => path('drafts', `${draftId(n)}.json`));
    for (const file of [saved, fresh]) writeFileSync(file ?? '', '');
    expect(await ids(store.drafts, { status: ['draft'] })).toEqual([]);
    expect(await ids(store.drafts)).toEqual([]);
    expect(await refusal(store.drafts.get(draftId(1)))).toMatchObject({ code: 'storage_error' });
    writeFileSync(saved ?? '', JSON.stringify(draftOf(1, { status: 'rejected' })));
    writeFileSync(fresh ?? '', JSON.stringify(draftOf(2)));
    expect(await ids(store.drafts)).toEqual([2, 1].map(draftId));
    expect(await ids(store.drafts, { status: ['rejected'] })).toEqual([draftId(1)]);
    expect(await store.quarantined()).toEqual([]);
  });

  test('moves a file aside that stays empty', async () => {
    const { store, path } = await opened(await tempDir());
    writeFileSync(path('drafts', `${draftId(1)}.json`), '');
    const ago = Date.now() / 1000 - 3;
    expect(await ids(store.drafts)).toEqual([]);
    expect(await store.quarantined()).toMatchObject([{ reason: expect.stringContaining('saves') }]);
    await utimes(path('drafts', `${draftId(1)}.json`), ago, ago);
    expect(await store.drafts.get(draftId(1))).toBeNull();
    expect(await store.quarantined()).toMatchObject([{ reason: expect.stringContaining('JSON') }]);
  });

  test('notices a change by hand that came while the states were read for the first time', async () => {
    const dir = await tempDir();
    const { store, path } = await opened(dir);
    await store.close();
    for (let n = 1; n <= 600; n += 1)
      writeFileSync(path('drafts', `${draftId(n)}.json`), JSON.stringify(draftOf(n)));
    const first = path('drafts', `${draftId(1)}.json`);
    for (let turns = 0; turns < 24; turns += 3) {
      const again = await opened(dir);
      await writeFile(first, JSON.stringify(draftOf(1)));
      await again.store.drafts.list({ limit: 1 }); // from now on they are read in the background
      for (let n = 0; n < turns; n += 1) await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(first, JSON.stringify(draftOf(1, { status: 'rejected' })));
      const rejected = await ids(again.store.drafts, { status: ['rejected'] });
      expect(rejected, `after ${turns} turns`).toEqual([draftId(1)]);
      await again.store.close();
    }
  });

  test('notices a change by hand beside changes of our own', async () => {
    const { store, path } = await opened(await tempDir());
    for (let n = 0; n < 40; n += 2) {
      await writeFile(path('drafts', `${draftId(n)}.json`), JSON.stringify(draftOf(n)));
      await store.drafts.put(draftOf(n + 1));
    }
    expect(await ids(store.drafts)).toHaveLength(40);
  });

  test('does not lose what is written while it reads the folder', async () => {
    const { store } = await opened(await tempDir());
    const work = Array.from({ length: 60 }, async (_, n) => {
      await store.drafts.put(draftOf(n));
      if (n % 3 === 0) await store.drafts.remove(draftId(n));
      expect((await ids(store.drafts)).includes(draftId(n))).toBe(n % 3 !== 0);
    });
    await Promise.all(work);
    expect(await ids(store.drafts)).toHaveLength(40);
    expect(await store.drafts.counts()).toEqual({ draft: 40 });
  });

  test('leaves out files that are no records, and leaves them alone', async () => {
    const { store, path } = await opened(await tempDir());
    await writeFile(path('drafts', 'notes.json'), '{}');
    await writeFile(path('drafts', 'd_1.json'), '{}');
    expect(await ids(store.drafts)).toEqual([]);
    expect(await store.quarantined()).toEqual([]);
    expect((await readdir(path('drafts', ''))).sort()).toEqual(['d_1.json', 'notes.json']);
  });
});

test('the names of a large folder are read again only when the folder has changed', async () => {
  const dir = await tempDir();
  await mkdir(join(dir, 'ops/drafts'), { recursive: true });
  for (let n = 0; n < 1500; n += 1)
    await writeFile(join(dir, 'ops/drafts', `${draftId(n)}.json`), JSON.stringify(draftOf(n)));
  const old = new Date(Date.now() - 60_000);
  await utimes(join(dir, 'ops/drafts'), old, old);
  const { store, path } = await opened(dir);
  expect(await store.drafts.counts()).toEqual({ draft: 1500 });
  // With the time of the folder put back, a new file is invisible to a list: it did not read the folder.
  await writeFile(path('drafts', `${draftId(2000)}.json`), JSON.stringify(draftOf(2000)));
  await utimes(path('drafts', ''), old, old);
  expect((await store.drafts.list({ limit: 1 })).records[0]?.id).toBe(draftId(1499));
  await utimes(path('drafts', ''), new Date(), new Date());
  expect((await store.drafts.list({ limit: 1 })).records[0]?.id).toBe(draftId(2000));
});
