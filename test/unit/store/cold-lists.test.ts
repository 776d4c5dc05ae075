import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DraftRecord } from '../../../src/contract/records.ts';
import { createNameIndex } from '../../../src/store/names.ts';
import { createQuarantine } from '../../../src/store/quarantine.ts';
import { createSearch } from '../../../src/store/record-search.ts';
import { openRecords } from '../../../src/store/records.ts';
import { draftId, draftOf, open, silent, tempDir } from './support.ts';

/* Right after a start the states of the records in a large folder are not known yet. */

const size = 3_000;
const statusOf = (n: number) => (n % 10 === 3 ? 'rejected' : 'draft');

async function justOpened() {
  const dataDir = await tempDir();
  const drafts = join(dataDir, 'ops', 'drafts');
  await mkdir(drafts, { recursive: true });
  for (let n = 0; n < size; n += 1) {
    const draft = draftOf(n, { status: statusOf(n) });
    await writeFile(join(drafts, `${draft.id}.json`), JSON.stringify(draft));
  }
  // The folder alone: a whole store is opened by the time that the index of so few records is built.
  const folder = await openRecords({
    ...{ dir: drafts, label: 'drafts', kind: 'draft', schema: DraftRecord, fence: open },
    quarantine: createQuarantine({ dir: join(dataDir, 'q'), label: 'q', fence: open }),
    statusOf: ({ status }) => status,
    logger: silent,
  });
  onTestFinished(() => folder.close());
  return folder;
}

describe('a filtered list of a large folder that was just opened', () => {
  test('gives its first page before the folder was read, and no total that it does not know', async () => {
    const drafts = await justOpened();
    const page = await drafts.list({ limit: 5, status: ['rejected'] });
    expect(page.records.map(({ id }) => id)).toEqual(
      [2993, 2983, 2973, 2963, 2953].map((n) => draftId(n)),
    );
    expect(page).toMatchObject({ total: null, next: draftId(2953) });
    expect(await drafts.counts()).toEqual({ draft: 2_700, rejected: 300 });
    expect(await drafts.list({ limit: 5, status: ['rejected'] })).toEqual({ ...page, total: 300 });
  });

  test('leads through all of it, each record once, whenever the index is done', async () => {
    const drafts = await justOpened();
    const seen: string[] = [];
    const totals: (number | null)[] = [];
    let before: string | null = null;
    do {
      const from: { before?: string } = before === null ? {} : { before };
      const page = await drafts.list({ limit: 7, status: ['rejected'], ...from });
      seen.push(...page.records.map(({ id }) => id));
      totals.push(page.total);
      before = page.next;
    } while (before !== null);
    const wanted = Array.from({ length: size }, (_, n) => n).filter((n) => n % 10 === 3);
    expect(seen).toEqual(wanted.toReversed().map((n) => draftId(n)));
    expect(totals[0]).toBeNull();
    expect(new Set(totals.filter((total) => total !== null))).toEqual(new Set([300]));
  });

  test('says that there is nothing only when all of it was read, and counts it then', async () => {
    const drafts = await justOpened();
    const page = await drafts.list({ limit: 5, status: ['error'] });
    expect(page).toEqual({ records: [], total: 0, next: null });
  });

  test('knows the total of everything at once, from the names', async () => {
    const drafts = await justOpened();
    expect((await drafts.list({ limit: 2 })).total).toBe(size);
  });
});

test('what is too rare to be found by reading on is left to the index', async () => {
  const index = createNameIndex();
  const all = Array.from({ length: 30_000 }, (_, n) => ({
    id: draftId(n),
    state: n === 4 ? 'error' : 'draft',
  }));
  for (const { id } of all) index.set(id);
  const byId = new Map(all.map((record) => [record.id, record]));
  let compared = false;
  let read = 0;
  const search = createSearch<{ id: string; state: string }>({
    index,
    statusOf: ({ state }) => state,
    load: async (id) => {
      read += 1;
      return byId.get(id) ?? null;
    },
    compare: async () => {
      compared = true;
      for (const { id, state } of all) index.set(id, state);
    },
    neverCompared: () => !compared,
  });
  expect(await search({ limit: 1, before: undefined, status: ['error'] })).toEqual({
    records: [{ id: draftId(4), state: 'error' }],
    next: null,
  });
  expect(read).toBeLessThan(12_000);
});

test('the total of a list that is shown whole is what it shows, whatever is written meanwhile', async () => {
  const drafts = await justOpened();
  await drafts.counts();
  for (let n = size; n < size + 40; n += 1) {
    const [page] = await Promise.all([
      drafts.list({ limit: 2 * size }),
      drafts.put(draftOf(n, { status: 'draft' })),
    ]);
    expect(page.total).toBe(page.records.length);
  }
});
