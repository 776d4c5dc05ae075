import { describe, expect, test } from 'vitest';
import {
  editableParts,
  editPath,
  emptyPath,
  parseEditPath,
  parseViewPath,
  partNames,
  viewPath,
} from '../../../src/editor/documents/addresses.ts';
import { draftIdIn } from '../../../src/editor/documents/draftId.ts';

const id = 'd_1716972600000_a1b2c3';

describe('an address of a draft', () => {
  test.each(partNames)('names draft, revision and %s, and can be read again', (part) => {
    const address = { id, revision: 'ab'.repeat(32), part };
    expect(viewPath(address)).toContain(`/${address.revision}/`);
    expect(parseViewPath(viewPath(address))).toEqual(address);
  });

  test.each(editableParts)('to edit its %s can be read again', (part) => {
    expect(parseEditPath(editPath({ id, part }))).toEqual({ id, part });
  });

  test.each([
    emptyPath,
    '/',
    `/drafts/${id}/content.md`,
    `/drafts/${id}/ab/other.md`,
    `/drafts/${id}/ab/x/content.md`,
    `/runs/${id}/ab/content.md`,
    `/drafts//ab/content.md`,
  ])('is not %s', (path) => {
    expect(parseViewPath(path)).toBeNull();
  });

  test.each(['/', `/${id}`, `/${id}/steps.txt`, `/x/${id}/content.md`, '//content.md'])(
    'to edit is not %s',
    (path) => {
      expect(parseEditPath(path)).toBeNull();
    },
  );
});

test('the draft that a command is about is named by its id or by a row', () => {
  expect(draftIdIn(id)).toBe(id);
  expect(draftIdIn({ kind: 'draft', id })).toBe(id);
  expect(draftIdIn({ kind: 'draft', draft: { id } })).toBe(id);
  for (const other of [undefined, null, 1, {}, { id: 1 }, { draft: null }])
    expect(draftIdIn(other)).toBeNull();
});
