import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ResolvedProvider, Steps } from '../../../src/contract/records.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { changedParts, partHashes, shownDigest } from '../../../webview/hash.ts';

const text = fc.string({ unit: 'grapheme' });
const provider: fc.Arbitrary<ResolvedProvider> = fc.record({
  name: text,
  type: fc.constantFrom('openai_compat', 'offline', 'editor'),
  origin: fc.option(text),
  model: text,
});
const step = fc.oneof(
  fc.record({ id: text, kind: fc.constant('prompt' as const), text }),
  fc.record({ id: text, kind: fc.constant('gate' as const), title: text }),
  fc.record({ id: text, kind: fc.constant('command' as const), argv: fc.array(text) }),
);
const subject = fc.record({
  prompt: text,
  content: fc.option(text),
  context: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    fc.jsonValue({ stringUnit: 'grapheme' }),
  ),
  steps: fc.option(fc.array(step)),
});

test('the panel’s own digest is that of core, for any draft', () => {
  fc.assert(
    fc.property(subject, fc.option(provider), (draft, asked) => {
      expect(shownDigest(draft, asked)).toBe(digestOf(draft, asked));
    }),
  );
});

describe('the parts that changed', () => {
  const draft = { prompt: 'a', content: 'b', context: {}, steps: null };
  const asked: ResolvedProvider = { name: 'n', type: 'offline', origin: null, model: '' };
  const before = partHashes(draft, asked);

  test.each([
    ['nothing', draft, asked, []],
    ['the prompt', { ...draft, prompt: 'x' }, asked, ['prompt']],
    ['no content for an empty one', { ...draft, content: null }, asked, ['content']],
    ['the context', { ...draft, context: { x: 1 } }, asked, ['context']],
    ['the model', draft, { ...asked, model: 'm' }, ['provider']],
    [
      'steps that ask no model',
      { ...draft, steps: Steps.parse([{ id: '1', kind: 'gate' }]) },
      asked,
      ['steps', 'provider'],
    ],
  ])('are told: %s', (_what, after, now, parts) => {
    expect(changedParts(before, partHashes(after, now))).toEqual(parts);
  });
});
