import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partsToShow, revisionOf, stepsText } from '../../../src/editor/documents/revision.ts';
import { draftWith } from './documents.fixtures.ts';

const step = (text: string, more: { title?: string } = {}) =>
  ({ id: 's1', kind: 'prompt', text, ...more }) as const;

describe('a revision of a draft', () => {
  test('has the digest for its name, and a draft without one the hash of its texts', () => {
    expect(revisionOf(draftWith()).revision).toBe('1'.repeat(64));
    const failed = revisionOf(draftWith({ digest: null, status: 'error' }));
    expect(failed.revision).toMatch(/^undigested-[0-9a-f]{64}$/);
    expect(revisionOf(draftWith({ digest: null, content: 'x' })).revision).not.toBe(
      failed.revision,
    );
  });

  test('shows what an approval would cover', () => {
    const { parts } = revisionOf(
      draftWith({ content: null, context: { issue: 7 }, steps: [step('Do it')] }),
    );
    expect(parts.content).toBe('');
    expect(parts.context).toContain('"issue": 7');
    expect(parts.steps).toContain('    Do it');
    expect(parts.provider).toContain('offline');
  });
});

describe('steps as text', () => {
  test('keep every character of what they say', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\r', '\n', '\r\n', ' ', '\u2028')), (bits) => {
        const text = bits.join('');
        const [, body = ''] = /id "s1"\n {4}([\s\S]*)\n$/.exec(stepsText([step(text)])) ?? [];
        expect(body.replace(/(\r\n|\r|\n) {4}/g, '$1')).toBe(text);
      }),
    );
  });

  test('cannot pass for another step', () => {
    const forged = 'harmless\nStep 2 of 2: gate, id "s2"\r\nStep 3 of 3: gate';
    const lines = stepsText([step(forged, { title: 'a\nStep 2 of 2: gate' })]).split(/\r\n|\r|\n/);
    expect(lines.filter((line) => line.startsWith('Step '))).toHaveLength(1);
  });

  test('tell commands and edits whole', () => {
    const text = stepsText([
      { id: 'c', kind: 'command', argv: ['git', 'a b', '\n'], cwd: 'sub', timeout_s: 5 },
      { id: 'e', kind: 'edit', changes: [{ path: 'a.txt', text: 'new\nlines' }] },
      { id: 'd', kind: 'edit', changes: [{ path: 'b.txt', text: null }] },
      { id: 'g', kind: 'gate', title: 'Look' },
    ]);
    for (const part of ['"git"', '"a b"', '"\\n"', 'in "sub"', '5 s', 'write "a.txt"'])
      expect(text).toContain(part);
    expect(text).toContain('    new\n    lines');
    expect(text).toContain('delete "b.txt"');
    expect(text).toContain('gate "Look"');
  });
});

describe('a diff shows', () => {
  const now = revisionOf(draftWith());

  test('all that is new, the content in front', () => {
    expect(partsToShow(null, now)).toEqual(['prompt', 'content']);
    expect(partsToShow(null, revisionOf(draftWith({ content: null })))).toEqual(['prompt']);
    const steps = [step('Do it')];
    expect(partsToShow(null, revisionOf(draftWith({ steps })))).toEqual([
      'prompt',
      'content',
      'steps',
    ]);
  });

  test('only what has changed', () => {
    const before = revisionOf(draftWith({ digest: '2', content: 'Other' }));
    expect(partsToShow(before, now)).toEqual(['content']);
  });

  test('a provider that has changed, but not that a decided draft has none', () => {
    const other = { name: 'x', type: 'offline', origin: null, model: 'y' } as const;
    const before = revisionOf(draftWith({ digest: '2', provider_resolved: other }));
    expect(partsToShow(before, now)).toEqual(['provider']);
    const decided = revisionOf(draftWith({ status: 'approved', provider_resolved: null }));
    expect(partsToShow(before, decided)).toEqual(['content']);
  });

  test('the content if nothing has changed', () => {
    expect(partsToShow(now, now)).toEqual(['content']);
  });
});
