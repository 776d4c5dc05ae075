import { expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { DraftListItem, ops } from '../../../src/contract/operations.ts';
import { createDraftsModel } from '../../../src/editor/draftsModel.ts';

/** A server of so many waiting drafts, newest first, behind the real client. */
function serverOf(count: number) {
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
      const { limit, cursor, status } = ops.listDrafts.input.parse(args);
      const some = all.filter((draft) => status?.includes(draft.status));
      const from = cursor === undefined ? 0 : Number(cursor);
      const next = from + limit < some.length ? String(from + limit) : null;
      return {
        body: some.slice(from, from + limit),
        status: 200,
        page: { total: some.length, next },
      };
    },
  });
}

test('a group shows a page, tells how many there are, and more when asked', async () => {
  const model = createDraftsModel(() => {});
  model.connect(serverOf(150));
  await model.refresh();
  expect(model.drafts?.waiting).toMatchObject({ total: 150, more: true });
  expect(model.drafts?.waiting.drafts).toHaveLength(100);
  await model.showMore('waiting');
  expect(model.drafts?.waiting).toMatchObject({ total: 150, more: false });
  expect(model.drafts?.waiting.drafts.at(-1)?.prompt).toBe('draft 1');
  expect(model.drafts?.settled).toEqual({ drafts: [], total: 0, more: false });
});

test('without a server there are no drafts, and an answer that comes late is dropped', async () => {
  let changes = 0;
  const model = createDraftsModel(() => changes++);
  model.connect(serverOf(3));
  const late = model.refresh();
  model.connect(null);
  await late;
  expect(model.drafts).toBeNull();
  await model.refresh();
  expect(model.drafts).toBeNull();
  expect(changes).toBe(2);
});
