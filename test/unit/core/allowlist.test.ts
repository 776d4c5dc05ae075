import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAllowlist } from '../../../src/core/allowlist.ts';
import { createCover, normalPath } from '../../../src/core/cover.ts';

describe('the contents of an allowlist', () => {
  const at = Date.UTC(2027, 0, 1);
  it('are read in both forms, with instants as text or seconds', () => {
    const read = (value: unknown) => readAllowlist(value, 300);
    const expected = [{ path: 'src', expiresAt: at }];
    for (const expires_at of ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00', at / 1000])
      expect(read({ paths: [{ path: './src/', expires_at }] })).toEqual(expected);
    const older = { timestamp: at / 1000 - 300, paths: ['src'] };
    expect(read(older)).toEqual(expected);
    expect(read({ ...older, paths: [{ path: 'src' }] })).toEqual(expected);
  });

  it('that cannot be read allow nothing', () => {
    for (const value of [null, undefined, [], 'src', { paths: 'src' }, { paths: [1] }])
      expect(readAllowlist(value, 300)).toBeNull();
    const paths = [
      'a',
      { path: 'b' },
      { path: 'c', expires_at: 'soon' },
      { path: 'd', expires_at: null },
    ];
    expect(readAllowlist({ paths }, 300)).toEqual([]);
  });
});

describe('what entries cover', () => {
  it('is they themselves and all below, and nothing that only begins alike', () => {
    const { covers, mayHold } = createCover(['src/a', 'b.txt']);
    expect(['src/a', 'src/a/x/y', 'b.txt', 'b.txt/x'].map(covers)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['src', 'src/ab', 'src/b', 'b', '.', ''].some(covers)).toBe(false);
    expect(['.', 'src', 'src/a', 'src/a/x'].every(mayHold)).toBe(true);
    expect(['src/b', 's', 'b'].some(mayHold)).toBe(false);
  });

  it('is everything with null or the repository itself, and nothing without entries', () => {
    expect(createCover(null).covers('x/y')).toBe(true);
    expect(createCover(['.']).covers('x/y')).toBe(true);
    expect(createCover([]).covers('x')).toBe(false);
  });

  it('never reaches from one entry to its neighbours', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', '.x'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(path, path, (entry, asked) => {
        const below = entry.every((part, n) => asked[n] === part);
        expect(createCover([entry.join('/')]).covers(asked.join('/'))).toBe(below);
      }),
    );
  });
});

describe('a normal path', () => {
  it.each([
    ['', '.'],
    ['./', '.'],
    ['./a//b/./', 'a/b'],
    ['/a', '/a'],
    ['../a', '../a'],
  ])('of %j is %j', (given, expected) => expect(normalPath(given)).toBe(expected));
});
