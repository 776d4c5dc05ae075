import { chmod, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asOrdinaryUser, draftId, draftOf, ids, opened, tempDir } from './support.ts';

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
    // Longer ago than somebody may need to save what is empty now.
    await utimes(path('drafts', `${draftId(1)}.json`), 0, 0);
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
