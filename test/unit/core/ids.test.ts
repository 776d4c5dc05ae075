import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idPattern } from '../../../src/contract/records.ts';
import { createIds, requireId } from '../../../src/core/ids.ts';

describe('ids', () => {
  it('grow when the clock stands still, goes back or jumps ahead', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1e12, max: 2e12 }), { minLength: 2 }), (times) => {
        let at = 0;
        const ids = createIds({ now: () => times[at++ % times.length] ?? 0 });
        const made = times.flatMap(() => [ids.draft(), ids.draft()]);
        expect(made.every((id) => idPattern.draft.test(id))).toBe(true);
        expect([...made].sort()).toEqual(made);
        expect(new Set(made).size).toBe(made.length);
      }),
    );
  });

  it('of an artifact end in what its draft alone decides', () => {
    const ids = createIds({ now: () => 1_800_000_000_000 });
    const [one, two, other] = ['d_1_aaaaaa', 'd_1_aaaaaa', 'd_1_bbbbbb'].map(ids.approved);
    const suffix = (id = '') => id.split('_')[2];
    expect(suffix(two)).toBe(suffix(one));
    expect(suffix(other)).not.toBe(suffix(one));
    expect(one).toMatch(idPattern.approved);
  });

  it.each([
    '',
    '..',
    '../d_1_abcdef',
    'd_1_abcdef/../x',
    'd_1_abcdef\0',
    'd_1_abcdef\n',
    'd_1_ABCDEF',
    'd_1_abcde',
    'a_1_abcdef',
    'd_12345678901234567_abcdef',
    `d_1_${'a'.repeat(65)}`,
  ])('of another form (%j) lead nowhere', (id) => {
    expect(() => requireId('draft', id)).toThrow(
      expect.objectContaining({ code: 'not_found', message: 'There is no draft with this id.' }),
    );
  });
});
