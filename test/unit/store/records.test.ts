import {
  appendFile,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { DraftRecord } from '../../../src/contract/records.ts';
import type { Records } from '../../../src/core/ports.ts';
import { openStore } from '../../../src/store/store.ts';
import {
  draftId,
  draftOf,
  listeningLogger,
  open,
  refusal,
  runId,
  runOf,
  tempDir,
} from './support.ts';

/** Root may read everything: until the test has finished, the process is nobody, and the directory is nobody's. */
async function asOrdinaryUser(dir: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const nobody = 65_534;
  await chown(dir, nobody, nobody);
  process.seteuid?.(nobody);
  onTestFinished(() => process.seteuid?.(0));
}

async function opened(dataDir: string, fence = open) {
  const logger = listeningLogger();
  const store = await openStore({ dataDir, fence, logger });
  onTestFinished(() => store.close());
  const path = (folder: string, name: string) => join(dataDir, 'ops', folder, name);
  return { store, path, messages: logger.messages };
}

const ids = async (drafts: Records<DraftRecord>, more: { status?: string[] } = {}) =>
  (await drafts.list({ limit: 1000, ...more })).records.map(({ id }) => id);

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
    const json = fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      fc.jsonValue({ stringUnit: 'binary', depthSize: 'small' }),
    );
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

describe('what cannot be read', () => {
  const broken: [string, string | Buffer][] = [
    ['torn', '{"id":"d_17'],
    ['empty', ''],
    ['of another type', '[1,2]'],
    ['without a prompt', JSON.stringify({ ...draftOf(1), prompt: undefined })],
    ['with a number as a status', JSON.stringify({ ...draftOf(1), status: 5 })],
    ['with the id of another', JSON.stringify(draftOf(2))],
    ['with half a surrogate pair', JSON.stringify(draftOf(1)).replace('prompt 1', '\\ud800')],
    [
      'with 20,000 lists in each other',
      JSON.stringify({ ...draftOf(1), context: { deep: 0 } }).replace(
        '"deep":0',
        `"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      ),
    ],
    ['with a number beyond all', JSON.stringify(draftOf(1)).replace('{}', '{"n":1e999}')],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
  ];

  test.each(broken)('a file %s is moved to quarantine and the list goes on', async (_, content) => {
    const { store, path, messages } = await opened(await tempDir());
    await store.drafts.put(draftOf(3));
    await writeFile(path('drafts', `${draftId(1)}.json`), content);
    expect(await ids(store.drafts)).toEqual([draftId(3)]);
    expect(await store.drafts.counts()).toEqual({ draft: 1 });
    expect(await store.drafts.get(draftId(1))).toBeNull();
    expect(await readFile(path('quarantine', `${draftId(1)}.json`))).toEqual(Buffer.from(content));
    const [found] = await store.quarantined();
    expect(found?.file).toBe(`quarantine/${draftId(1)}.json`);
    const reason = await readFile(path('quarantine', `${draftId(1)}.json.reason.txt`), 'utf8');
    expect(reason.trim()).toBe(found?.reason);
    expect(messages.join()).toContain('moved aside');
  });

  test('a link and a folder are moved, and where the link leads is not read', async () => {
    const dir = await tempDir();
    const { store, path } = await opened(dir);
    await writeFile(join(dir, 'outside.json'), JSON.stringify(draftOf(1)));
    await symlink(join(dir, 'outside.json'), path('drafts', `${draftId(1)}.json`));
    await mkdir(path('drafts', `${draftId(2)}.json`));
    expect(await store.drafts.get(draftId(1))).toBeNull();
    expect(await ids(store.drafts)).toEqual([]);
    expect(JSON.parse(await readFile(join(dir, 'outside.json'), 'utf8'))).toEqual(draftOf(1));
    expect(await store.quarantined()).toHaveLength(2);
  });

  test('nothing in quarantine is ever overwritten', async () => {
    const { store, path } = await opened(await tempDir());
    for (const content of ['one', 'two', 'three']) {
      await writeFile(path('drafts', `${draftId(1)}.json`), content);
      expect(await store.drafts.get(draftId(1))).toBeNull();
    }
    const found = await store.quarantined();
    const contents = found.map(({ file }) => readFile(path('', file), 'utf8'));
    expect((await Promise.all(contents)).sort()).toEqual(['one', 'three', 'two']);
  });

  test.each([
    ['a state', { status: 'archived' }],
    ['a kind of step', { steps: [{ id: 's', kind: 'dance', tempo: 3 }] }],
    ['a field of a step', { steps: [{ id: 's', kind: 'gate', until: 'noon' }] }],
  ])('a record with %s of a newer version is left where it is, and told', async (_, fields) => {
    const { store, path } = await opened(await tempDir());
    await store.drafts.put(draftOf(2));
    const text = JSON.stringify({ ...draftOf(1), ...fields });
    await writeFile(path('drafts', `${draftId(1)}.json`), text);
    expect(await ids(store.drafts)).toEqual([draftId(2)]);
    expect(await store.drafts.get(draftId(1))).toBeNull();
    expect(await store.drafts.counts()).toEqual({ draft: 1 });
    expect(await readFile(path('drafts', `${draftId(1)}.json`), 'utf8')).toBe(text);
    expect(await store.quarantined()).toMatchObject([{ file: `drafts/${draftId(1)}.json` }]);
    await writeFile(path('drafts', `${draftId(1)}.json`), JSON.stringify(draftOf(1)));
    expect((await store.drafts.get(draftId(1)))?.prompt).toBe('prompt 1');
    expect(await store.quarantined()).toEqual([]);
  });

  test('a file that may not be read breaks nothing', async () => {
    const dir = await tempDir();
    await asOrdinaryUser(dir);
    const { store, path } = await opened(dir);
    await store.drafts.put(draftOf(2));
    await writeFile(path('drafts', `${draftId(1)}.json`), JSON.stringify(draftOf(1)));
    await chmod(path('drafts', `${draftId(1)}.json`), 0);
    expect(await ids(store.drafts)).toEqual([draftId(2)]);
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

describe('the store', () => {
  test('keeps itself out of the repository, and an own .gitignore as it is', async () => {
    const dir = await tempDir();
    await opened(dir);
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('*\n');
    await writeFile(join(dir, '.gitignore'), 'mine\n');
    await opened(dir);
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  test('sweeps what a dead writer left, and refuses a folder that is a link', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'ops/drafts'), { recursive: true });
    await writeFile(join(dir, `ops/drafts/.x.json.${2 ** 22 + 1}-0123456789ab.tmp`), 'half');
    await opened(dir);
    expect(await readdir(join(dir, 'ops/drafts'))).toEqual([]);
    const other = await tempDir();
    await mkdir(join(other, 'ops'));
    await symlink(join(dir, 'ops/drafts'), join(other, 'ops/drafts'));
    expect(GimoError.is(await refusal(opened(other)), 'storage_error')).toBe(true);
  });

  test('a document is null until it is written, and null when it cannot be parsed', async () => {
    const { store, path } = await opened(await tempDir());
    expect(await store.plan.read()).toBeNull();
    await store.plan.write({ id: 'p' });
    expect(await store.plan.read()).toEqual({ id: 'p' });
    await writeFile(path('', 'plan.json'), '{');
    expect(await store.plan.read()).toBeNull();
  });
});

describe('the log of a run', () => {
  const line = (msg: string) => ({ ts: '2026-11-23T03:04:00Z', level: 'INFO', msg });

  test('grows, is read in the order of writing, and is gone when removed', async () => {
    const { store, path } = await opened(await tempDir());
    await Promise.all(
      [1, 2, 3].map((n) => store.runLogs.append(runId(1), [line(`${n}a\u2028`), line(`${n}b\n`)])),
    );
    expect((await store.runLogs.read(runId(1))).map(({ msg }) => msg)).toEqual(
      [1, 2, 3].flatMap((n) => [`${n}a\u2028`, `${n}b\n`]),
    );
    await store.runs.put(runOf(1));
    expect((await store.runs.list({ limit: 10 })).total).toBe(1);
    await store.runLogs.remove(runId(1));
    expect(await store.runLogs.read(runId(1))).toEqual([]);
    expect(await readdir(path('runs', ''))).toEqual([`${runId(1)}.json`]);
    expect(await store.runLogs.read('../x')).toEqual([]);
  });

  test('a torn last line is left out, and cut off before the next one is added', async () => {
    const dir = await tempDir();
    const first = await opened(dir);
    await first.store.runLogs.append(runId(1), [line('whole')]);
    await first.store.close();
    await appendFile(first.path('runs', `${runId(1)}.log.jsonl`), '{"ts":"2026","level":"IN');
    const { store } = await opened(dir);
    expect(await store.runLogs.read(runId(1))).toEqual([line('whole')]);
    await store.runLogs.append(runId(1), [line('next')]);
    expect(await store.runLogs.read(runId(1))).toEqual([line('whole'), line('next')]);
  });

  test('goes on in a new file when somebody deleted it', async () => {
    const { store, path } = await opened(await tempDir());
    await store.runLogs.append(runId(1), [line('one')]);
    await unlink(path('runs', `${runId(1)}.log.jsonl`));
    await store.runLogs.append(runId(1), [line('two')]);
    expect(await store.runLogs.read(runId(1))).toEqual([line('two')]);
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
