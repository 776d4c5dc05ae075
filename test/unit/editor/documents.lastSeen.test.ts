import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Step } from '../../../src/contract/records.ts';
import { newestThatFit } from '../../../src/editor/documents/bounded.ts';
import {
  bytesOf,
  createLastSeen,
  lastSeenBounds,
  lastSeenKey,
} from '../../../src/editor/documents/lastSeen.ts';
import { revisionOf } from '../../../src/editor/documents/revision.ts';
import { createShown } from '../../../src/editor/documents/shown.ts';
import { draftWith, memory } from './documents.fixtures.ts';

const revision = (digest: string, content = `content ${digest}`) => {
  const { revision, parts } = revisionOf(draftWith({ digest, content }));
  return { revision, parts };
};

describe('what was last seen of a draft', () => {
  test('is nothing at first, and then what was shown', async () => {
    const seen = createLastSeen(memory());
    expect(seen.baseOf('d_1', revision('a'))).toBeNull();
    await seen.see('d_1', revision('a'));
    expect(seen.baseOf('d_1', revision('b'))).toEqual(revision('a'));
    expect(seen.baseOf('d_2', revision('b'))).toBeNull();
  });

  test('stays the base of a diff that is opened again', async () => {
    const seen = createLastSeen(memory());
    await seen.see('d_1', revision('a'));
    expect(seen.baseOf('d_1', revision('a'))).toBeNull();
    await seen.see('d_1', revision('b'));
    await seen.see('d_1', revision('b'));
    expect(seen.baseOf('d_1', revision('b'))).toEqual(revision('a'));
    expect(seen.find('d_1', 'a')).toEqual(revision('a'));
    expect(seen.find('d_1', 'b')).toEqual(revision('b'));
    expect(seen.find('d_1', 'c')).toBeNull();
  });

  test('outlives the window', async () => {
    const kept = memory();
    await createLastSeen(kept).see('d_1', revision('a'));
    expect(createLastSeen(kept).baseOf('d_1', revision('b'))).toEqual(revision('a'));
  });

  test('is kept of 200 drafts, the oldest forgotten first', async () => {
    const seen = createLastSeen(memory());
    for (let n = 0; n < 201; n++) await seen.see(`d_${n}`, revision('a'));
    expect(seen.find('d_0', 'a')).toBeNull();
    expect(seen.find('d_1', 'a')).not.toBeNull();
    await seen.see('d_1', revision('a'));
    await seen.see('d_201', revision('a'));
    expect(seen.find('d_1', 'a')).not.toBeNull();
    expect(seen.find('d_2', 'a')).toBeNull();
  });

  test('is kept up to one MiB in all; the newest revision counts more than the one before', async () => {
    const kept = memory();
    const seen = createLastSeen(kept);
    const large = (digest: string) => revision(digest, 'x'.repeat(700 * 1024));
    await seen.see('d_1', large('a'));
    await seen.see('d_1', large('b'));
    expect(seen.find('d_1', 'b')).not.toBeNull();
    expect(seen.find('d_1', 'a')).toBeNull();
    await seen.see('d_2', large('a'));
    expect(seen.find('d_1', 'b')).toBeNull();
    expect(JSON.stringify(kept.get(lastSeenKey)).length).toBeLessThan(lastSeenBounds.bytes);
    await seen.see('d_3', revision('a', 'y'.repeat(2 * 1024 * 1024)));
    expect(seen.find('d_3', 'a')).toBeNull();
  });

  test('is nothing where the memory holds something else', async () => {
    const kept = memory();
    const seen = createLastSeen(kept);
    for (const other of ['x', 7, [null, { id: 'd_1' }, { id: 'd_1', seen: { revision: 'a' } }]]) {
      await kept.update(lastSeenKey, other);
      expect(seen.baseOf('d_1', revision('a'))).toBeNull();
    }
  });
});

test('what is kept is the newest that fits, and as much of it as fits', () => {
  const sizes = fc.array(fc.nat(50), { maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.nat(20), fc.nat(400), (entries, count, bytes) => {
      const kept = newestThatFit(entries, (size) => size, { count, bytes });
      const sum = (some: number[]) => some.reduce((total, size) => total + size, 0);
      expect(kept).toEqual(entries.slice(entries.length - kept.length));
      expect(kept.length).toBeLessThanOrEqual(count);
      expect(sum(kept)).toBeLessThanOrEqual(bytes);
      const more = entries.slice(entries.length - kept.length - 1);
      if (kept.length < entries.length) expect(more.length > count || sum(more) > bytes).toBe(true);
    }),
  );
});

test('an old tab finds its own revision, and no other', () => {
  const shown = createShown();
  shown.add('d_1', revision('a'));
  shown.add('d_1', revision('b'));
  expect(shown.find('d_1', 'a')).toEqual(revision('a'));
  expect(shown.find('d_1', 'c')).toBeNull();
  expect(shown.find('d_2', 'a')).toBeNull();
  expect(bytesOf(revision('a', 'ä'))).toBe(bytesOf(revision('a', '')) + 2);
});

test('what edit steps write is not kept with what was seen, which holds it as text', async () => {
  const steps: Step[] = [{ id: 's', kind: 'edit', changes: [{ path: 'a.ts', text: 'written' }] }];
  const seen = createLastSeen(memory());
  await seen.see('d_1', revisionOf(draftWith({ digest: 'a', steps })));
  expect(seen.find('d_1', 'a')).not.toHaveProperty('writes');
  expect(seen.find('d_1', 'a')?.parts.steps).toContain('written');
});
