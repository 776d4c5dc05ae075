import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResolvedProvider, Step } from '../../../src/contract/records.ts';
import { canonical, createDigests, digestOf, etagOf } from '../../../src/core/digest.ts';
import { sha256 } from '../../../src/core/hash.ts';

const provider: ResolvedProvider = {
  ...{ name: 'main', type: 'openai_compat', origin: 'http://127.0.0.1:1', model: 'm' },
};
const steps: Step[] = [{ id: 's', kind: 'prompt', title: 't', text: 'do it' }];
const subject = { prompt: 'p', content: 'c', context: { a: [1, { b: null }] }, steps };

describe('the canonical form (RFC 8785)', () => {
  it('writes the example of section 3.2.2 as section 3.2.3 does', () => {
    const given: unknown = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    expect(canonical(given)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts keys by UTF-16 code unit, as the example of section 3.2.3 does', () => {
    const given: unknown = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }`);
    const values = [...canonical(given).matchAll(/:"([^"]+)"/g)].map(([, value]) => value);
    expect(values).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['41b3de4355555553', '333333333.3333332'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the number with the bits %s of appendix B as %s', (bits, text) => {
    expect(canonical(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  it('is the same whatever the order of keys, and reads back as the same value', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, shuffled(inner)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(canonical(shuffled(value))).toBe(canonical(value));
        const back: unknown = JSON.parse(canonical(value));
        expect(canonical(back)).toBe(canonical(value));
      }),
    );
  });
});

describe('the digest', () => {
  it('is SHA-256 over exactly what would be approved', () => {
    expect(digestOf({ prompt: 'p', content: null, context: {}, steps: null }, provider)).toBe(
      sha256(
        '{"content":"","context":{},"prompt":"p","provider":{"model":"m","name":"main",' +
          '"origin":"http://127.0.0.1:1","type":"openai_compat"},"steps":null}',
      ),
    );
  });

  it('does not depend on the order of keys', () => {
    const turned = { steps, context: { a: [1, { b: null }] }, content: 'c', prompt: 'p' };
    expect(digestOf(turned, { ...provider })).toBe(digestOf(subject, provider));
  });

  const base = digestOf(subject, provider);
  const changed: [string, () => string][] = [
    ['the prompt', () => digestOf({ ...subject, prompt: 'p ' }, provider)],
    ['the content', () => digestOf({ ...subject, content: 'C' }, provider)],
    ['no content', () => digestOf({ ...subject, content: null }, provider)],
    [
      'a value deep in the context',
      () => digestOf({ ...subject, context: { a: [1, { b: 0 }] } }, provider),
    ],
    [
      'a key of the context',
      () => digestOf({ ...subject, context: { A: [1, { b: null }] } }, provider),
    ],
    ['no steps', () => digestOf({ ...subject, steps: null }, provider)],
    ['one more step', () => digestOf({ ...subject, steps: [...steps, ...steps] }, provider)],
    ['the provider name', () => digestOf(subject, { ...provider, name: 'other' })],
    ['the provider type', () => digestOf(subject, { ...provider, type: 'gemini' })],
    ['the origin', () => digestOf(subject, { ...provider, origin: 'http://127.0.0.1:2' })],
    ['the model', () => digestOf(subject, { ...provider, model: 'n' })],
    ['no provider', () => digestOf(subject, null)],
  ];
  it.each(changed)('is another one for a change of %s', (_what, digest) => {
    expect(digest()).not.toBe(base);
  });

  it('of a draft that asks no model does not name the provider', () => {
    const still: Step[] = [{ id: 'g', kind: 'gate' }];
    expect(digestOf({ ...subject, steps: still }, provider)).toBe(
      digestOf({ ...subject, steps: still }, null),
    );
  });

  it('tells any two subjects apart, and treats no content like empty content', () => {
    const text = fc.string({ unit: 'binary' });
    const subjects = fc.record({
      prompt: text,
      content: fc.option(text),
      context: fc.dictionary(text, fc.jsonValue({ stringUnit: 'binary' })),
      steps: fc.constant(null),
    });
    const meant = ({ prompt, content, context }: Subject) =>
      JSON.stringify([prompt, content ?? '', canonical(context)]);
    fc.assert(
      fc.property(subjects, subjects, (a, b) => {
        expect(digestOf(a, provider) === digestOf(b, provider)).toBe(meant(a) === meant(b));
        expect(digestOf({ ...a, content: null }, provider)).toBe(
          digestOf({ ...a, content: '' }, provider),
        );
      }),
    );
  });
});

interface Subject {
  prompt: string;
  content: string | null;
  context: Record<string, unknown>;
}

it('an entity tag is quoted and covers every field', () => {
  const record = { id: 'd_1_abcdef', extra: { kept: true } };
  expect(etagOf(record)).toMatch(/^"[0-9a-f]{32}"$/);
  expect(etagOf({ extra: { kept: true }, id: 'd_1_abcdef' })).toBe(etagOf(record));
  expect(etagOf({ ...record, extra: { kept: false } })).not.toBe(etagOf(record));
});

describe('digests that are made once', () => {
  const record = () => Object.freeze({ ...subject });

  it('are those that are made each time, of any record with any provider', () => {
    const digests = createDigests();
    const one = record();
    const other = Object.freeze({ ...subject, content: 'other' });
    for (const given of [provider, null, { ...provider, model: 'n' }, provider])
      for (const subject of [one, other, one])
        expect(digests(subject, given)).toBe(digestOf(subject, given));
  });

  it('do not read a record again', () => {
    let reads = 0;
    const counted = {
      ...subject,
      get content() {
        reads++;
        return 'c';
      },
    };
    const frozen = Object.freeze(counted);
    const digests = createDigests();
    const first = digests(frozen, provider);
    expect(reads).toBe(1);
    expect(digests(frozen, { ...provider })).toBe(first);
    expect(reads).toBe(1);
  });

  it('are made again of a record that may change', () => {
    const digests = createDigests();
    const open = { ...subject };
    const before = digests(open, provider);
    open.content = 'other';
    expect(digests(open, provider)).not.toBe(before);
  });
});
