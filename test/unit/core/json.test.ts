import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonIssues, maxDepth } from '../../../src/contract/json.ts';

/** An array in an array in an array, `levels` of them. */
const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('what a record may hold', () => {
  it('is any JSON without its dark corners', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        if (!text.includes('\\u0000') && !text.includes('__proto__'))
          expect(jsonIssues(value)).toEqual([]);
      }),
    );
  });

  it(`nests at most ${maxDepth} levels deep`, () => {
    expect(jsonIssues(nested(maxDepth))).toEqual([]);
    expect(jsonIssues(nested(maxDepth + 1))).toMatchObject([{ type: 'too_deep' }]);
  });

  it('can be asked of a value of any depth without overflowing the stack', () => {
    const [issue, ...more] = jsonIssues({ context: nested(200_000) });
    expect(issue).toMatchObject({ type: 'too_deep' });
    expect(issue?.loc).toHaveLength(8);
    expect(more).toEqual([]);
  });

  it.each([
    ['"\\ud800"', 'string_not_unicode'],
    ['"a\\udc00b"', 'string_not_unicode'],
    ['{"\\ud800": 1}', 'string_not_unicode'],
    ['"a\\u0000b"', 'string_null'],
    ['1e999', 'number_not_finite'],
    ['{"__proto__": {}}', 'key_refused'],
  ])('refuses %s, wherever it stands, and says where', (json, type) => {
    const bad: unknown = JSON.parse(json);
    const [issue] = jsonIssues({ a: [0, { b: bad }] });
    expect(issue).toMatchObject({ type });
    expect(issue?.loc.slice(0, 3)).toEqual(['a', 1, 'b']);
    expect(JSON.stringify(issue)).not.toContain('\\ud800');
  });

  it('tells at most ten things at once', () => {
    expect(jsonIssues(Array.from({ length: 1000 }, () => '\0'))).toHaveLength(10);
  });
});
