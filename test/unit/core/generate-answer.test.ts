import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../src/core/generate-answer.ts';

const gate = { id: 'look', kind: 'gate', title: null };
const answer = JSON.stringify({ steps: [gate] });
const steps = [{ id: 'look', kind: 'gate' }];
const unfit = (text: string, held = true): string => {
  const found = readAnswer(text, held);
  if (found.kind !== 'unfit') throw new Error(`read as ${found.kind}`);
  expect(found.why.length).toBeLessThan(700);
  return found.why;
};
const ofSteps = (...made: unknown[]) => JSON.stringify({ steps: made });

describe('an answer that fits', () => {
  it('is read as it is, with nulls left out of steps and kept in changes', () => {
    const edit = {
      ...{ id: 'e', kind: 'edit', title: null },
      changes: [
        { path: 'a.ts', text: 'x\n' },
        { path: 'b.ts', text: null },
      ],
    };
    const command = { id: 'c', kind: 'command', title: 'Try', argv: ['x'], cwd: null };
    const prompt = { id: 'p', kind: 'prompt', title: null, text: 'Say' };
    const text = ofSteps(edit, { ...command, timeout_s: null }, gate, prompt);
    expect(readAnswer(`\n${text}\n`, true)).toEqual({
      ...{ kind: 'steps', around: null },
      steps: [
        { id: 'e', kind: 'edit', changes: edit.changes },
        { id: 'c', kind: 'command', title: 'Try', argv: ['x'] },
        ...steps,
        { id: 'p', kind: 'prompt', text: 'Say' },
      ],
    });
  });

  it.each([true, false])('is found in a fenced block (held to the form: %s)', (held) => {
    for (const fence of ['```json', '```', '```JSON '])
      expect(readAnswer(`${fence}\n${answer}\n\`\`\`\n`, held)).toEqual({
        ...{ kind: 'steps', steps, around: null },
      });
  });

  it('is found among words, which are kept', () => {
    const text = `Here you are:\n\n\`\`\`json\r\n${answer}\r\n\`\`\`\r\nLook at it.`;
    expect(readAnswer(text, false)).toEqual({
      ...{ kind: 'steps', steps },
      around: 'Here you are:\n\nLook at it.',
    });
  });

  it('is found where the text of a file has fences of its own', () => {
    const change = { path: 'README.md', text: '# A\n```json\n{"steps": []}\n```\n' };
    const text = JSON.stringify({ steps: [{ id: 'e', kind: 'edit', changes: [change] }] }, null, 2);
    expect(readAnswer(`\`\`\`json\n${text}\n\`\`\``, false)).toMatchObject({
      kind: 'steps',
      steps: [{ changes: [change] }],
    });
  });
});

describe('an answer in words', () => {
  it('is text where the model was not held to a form', () => {
    for (const text of [
      'Do this, then that.',
      '[A link](https://example.org) to read.',
      'Like this:\n```json\n{"a": 1}\n```\nor this:\n```ts\nconst steps = [];\n```',
      '```json\n{"steps": [',
    ])
      expect(readAnswer(text, false)).toEqual({ kind: 'text' });
  });

  it('does not fit where it was', () => {
    expect(unfit('Do this, then that.')).toContain('not JSON');
    expect(unfit('')).toContain('not JSON');
  });
});

describe('an answer that does not fit', () => {
  it('says where', () => {
    expect(unfit(ofSteps({ ...gate, kind: 'shell' }))).toContain('steps.0.kind');
    expect(unfit(ofSteps(gate, { id: 'c', kind: 'command', argv: [] }))).toContain('steps.1.argv');
    expect(unfit(ofSteps({ ...gate, sudo: true }))).toContain('sudo');
    expect(unfit(ofSteps('rm -rf'))).toContain('steps.0');
    expect(unfit(ofSteps({ id: 'p', kind: 'prompt', text: null }))).toContain('steps.0.text');
    expect(unfit('{"steps": null}')).toContain('steps');
    expect(unfit('{"steps": [], "more": 1}')).toContain('more');
    expect(unfit('[]')).toContain('form of steps');
  });

  it.each([
    ['no step', ofSteps()],
    [
      '10,000 steps',
      ofSteps(...Array.from({ length: 10_000 }, (_, n) => ({ ...gate, id: `${n}` }))),
    ],
    ['JSON that is cut', answer.slice(0, -3)],
    ['half a surrogate pair', String.raw`{"steps":[{"id":"\ud800","kind":"gate"}]}`],
    ['a null character', String.raw`{"steps":[{"id":"a\u0000","kind":"gate"}]}`],
    ['a key named __proto__', '{"steps":[{"id":"a","kind":"gate","__proto__":{}}]}'],
    ['JSON that nests too deep', `{"steps":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['two proposals', `\`\`\`\n${answer}\n\`\`\`\n\`\`\`\n${answer}\n\`\`\``],
  ])('is none that holds %s', (_name, text) => {
    expect(unfit(text)).not.toBe('');
  });

  it('shows nothing hidden and nothing endless of what the model said', () => {
    const why = unfit(ofSteps({ ...gate, [`\u202e${'x'.repeat(5000)}`]: 1 }));
    expect(why).not.toContain('\u202e');
  });

  it('costs little however large it is, and whatever it is made of', () => {
    expect(unfit(`{"steps": "${'x'.repeat(50 * 2 ** 20)}"}`)).toContain('longer than 1 MiB');
    expect(readAnswer('x'.repeat(50 * 2 ** 20), false)).toEqual({ kind: 'text' });
    // Each of these would take minutes if every part were looked at from every other one.
    readAnswer('```json\n'.repeat(130_000), false);
    readAnswer(`\`\`\`\n${'['.repeat(500_000)}\n\`\`\`\n`, false);
    readAnswer('```\n{\n```\n'.repeat(100_000), false);
  });
});
