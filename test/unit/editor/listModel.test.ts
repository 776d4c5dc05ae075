import { expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { DraftListItem, ops } from '../../../src/contract/operations.ts';
import { draftsTree, waitingOf } from '../../../src/editor/trees/draftsTree.ts';
import { createListModel } from '../../../src/editor/trees/listModel.ts';

/** A server of so many waiting drafts, newest first, behind the real client. */
function serverOf(
  count: number,
  before: () => Promise<void> = async () => {},
  counted: (total: number) => number | null = (total) => total,
) {
  const all = Array.from({ length: count }, (_, n) =>
    DraftListItem.parse({
      id: `d_${count - n}_abcdef`,
      prompt: `draft ${count - n}`,
      status: 'draft',
      provider_resolved: null,
      created_at: '2026-03-01T12:00:00Z',
    }),
  );
  return createClient({
    async send(id, args) {
      expect(id).toBe('listDrafts');
      await before();
      const { limit, cursor, status } = ops.listDrafts.input.parse(args);
      const some = all.filter((draft) => status?.includes(draft.status));
      const from = cursor === undefined ? 0 : Number(cursor);
      const next = from + limit < some.length ? String(from + limit) : null;
      return {
        body: some.slice(from, from + limit),
        status: 200,
        page: { total: counted(some.length), next },
      };
    },
  });
}

const modelOf = (changed: () => void = () => {}) =>
  createListModel(['waiting', 'settled'], draftsTree.read, changed);

test('a group shows a page, tells how many there are, and more when asked', async () => {
  const model = modelOf();
  model.connect(serverOf(150));
  await model.refresh();
  expect(model.lists?.get('waiting')).toMatchObject({ total: 150, more: true });
  expect(model.lists?.get('waiting')?.records).toHaveLength(100);
  expect(waitingOf(model.lists)).toBe(150);
  await model.showMore('waiting');
  expect(model.lists?.get('waiting')).toMatchObject({ total: 150, more: false });
  expect(model.lists?.get('waiting')?.records.at(-1)?.prompt).toBe('draft 1');
  expect(model.lists?.get('settled')).toEqual({
    ...{ records: [], total: 0, counted: true, more: false },
  });
});

test('what the server has not counted yet is told as the least that there are', async () => {
  const model = modelOf();
  model.connect(serverOf(150, undefined, () => null));
  await model.refresh();
  expect(model.lists?.get('waiting')).toMatchObject({ total: 100, counted: false, more: true });
  expect(draftsTree.badge?.(model.lists ?? new Map())?.tooltip).toBe(
    'At least 100 drafts wait for you',
  );
  await model.showMore('waiting');
  expect(model.lists?.get('waiting')).toMatchObject({ total: 150, counted: true, more: false });
});

test('without a server there are no records, and an answer that comes late is dropped', async () => {
  let changes = 0;
  const model = modelOf(() => changes++);
  model.connect(serverOf(3));
  const late = model.refresh();
  model.connect(null);
  await late;
  expect(model.lists).toBeNull();
  await model.refresh();
  expect(model.lists).toBeNull();
  expect(changes).toBe(0);
});

/* The editor draws a tree that changed twice within a fifth of a second only after that. */
test('a server that comes or goes changes only what was shown', async () => {
  const changes: (number | undefined)[] = [];
  const model = modelOf(() => changes.push(model.lists?.get('waiting')?.total));
  model.connect(null);
  model.connect(serverOf(3));
  await model.refresh();
  model.connect(null);
  model.connect(serverOf(4));
  await model.refresh();
  expect(changes).toEqual([3, undefined, 4]);
});

test('an answer that a later one has overtaken is dropped', async () => {
  let letFirst = () => {};
  const first = new Promise<void>((resolve) => {
    letFirst = resolve;
  });
  let asked = 0;
  const model = modelOf();
  // Each refresh asks twice, once a group.
  model.connect(serverOf(150, () => (asked++ < 2 ? first : Promise.resolve())));
  const slow = model.refresh();
  await model.showMore('waiting');
  letFirst();
  await slow;
  expect(model.lists?.get('waiting')?.records).toHaveLength(150);
});
