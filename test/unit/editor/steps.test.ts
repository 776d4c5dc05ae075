import { describe, expect, test } from 'vitest';
import { RunStep, type Step } from '../../../src/contract/records.ts';
import { comingSteps, commandLine, effectsOf, stepLines } from '../../../src/editor/steps.ts';
import { undoneMessage } from '../../../src/editor/undone.ts';

const step = (id: string, kind: string, status = 'waiting') => RunStep.parse({ id, kind, status });
const approved: Step[] = [
  { id: 'a', kind: 'edit', changes: [{ path: 'x.ts', text: null }] },
  { id: 'b', kind: 'gate' },
  { id: 'c', kind: 'command', argv: ['npm', 'test'] },
  { id: 'd', kind: 'gate' },
  { id: 'e', kind: 'command', argv: ['npm', 'publish'] },
];

describe('what comes next when a run goes on', () => {
  const kinds = ['edit', 'gate', 'command', 'gate', 'command'];
  const run = (...states: string[]) => ({
    steps: approved.map(({ id }, at) => step(id, kinds[at] ?? '', states[at])),
  });

  test('is what stands between the gate that it waits at and the next', () => {
    const coming = comingSteps(run('done', 'running'), approved);
    expect(coming.map(({ number }) => number)).toEqual([3, 4]);
    expect(coming[0]?.approved).toEqual(approved[2]);
  });

  test('begins with the next step of a run that a person has paused', () => {
    const numbers = comingSteps(run(), approved).map(({ number }) => number);
    expect(numbers).toEqual([1, 2]);
  });

  test('is all that is left after the last gate', () => {
    const coming = comingSteps(run('done', 'done', 'done', 'running'), approved);
    expect(coming.map(({ number }) => number)).toEqual([5]);
    expect(comingSteps({ steps: [step('b', 'gate', 'running')] }, null)).toEqual([]);
  });
});

describe('a command line', () => {
  test('quotes what could be misread, and hides nothing', () => {
    expect(commandLine(['/usr/bin/git', 'commit', '-m', 'a b', '', '"', '$(x)'])).toBe(
      '/usr/bin/git commit -m "a b" "" "\\"" "$(x)"',
    );
    expect(commandLine(['rm', '\u202e\n'])).toBe('rm "\\u202e\\n"');
  });

  test('goes on in the next row where it is long, whole', () => {
    const argv = Array.from({ length: 40 }, (_, at) => `argument-${at}`);
    const lines = stepLines({ id: 'a', kind: 'command', argv, cwd: 'sub dir' }, 60);
    const texts = lines.map(({ text }) => text);
    expect(texts.pop()).toBe('in "sub dir"');
    expect(texts.map((text) => text.replace(/^┆ /, '')).join('')).toBe(argv.join(' '));
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(62);
    for (const text of texts.slice(0, -1)) expect(text).toMatch(/argument-\d+ $/);
  });
});

test('a path without spaces, in wide letters, is cut where the row ends', () => {
  const path = '\u6587'.repeat(100);
  const lines = stepLines({ id: 'a', kind: 'edit', changes: [{ path, text: 'x' }] }, 60);
  expect(lines.map(({ text }) => text.replace(/^┆ /, '')).join('')).toBe(path);
  expect(lines.map(({ text }) => [...text].length)).toEqual([30, 32, 32, 12]);
});

test('every file of an edit is named, with what is done to it', () => {
  const changes = [
    { path: 'new.ts', base_sha256: null, text: '' },
    { path: 'src/a\u202eb.ts', base_sha256: 'a'.repeat(64), text: 'x' },
    { path: 'old.ts', text: null },
  ];
  expect(stepLines({ id: 'a', kind: 'edit', changes }, 60)).toEqual([
    { text: 'new.ts', note: 'create' },
    { text: 'src/a\\u{202E}b.ts', note: 'write' },
    { text: 'old.ts', note: 'delete' },
  ]);
});

test('what steps come to is counted', () => {
  expect(effectsOf(approved)).toBe('1 file, 2 commands, 2 gates');
  expect(effectsOf(null)).toBe('');
});

describe('after an undo', () => {
  const left = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ path: `f${at}.ts`, why: 'It was changed since.' }));

  test('a person is told what is back', () => {
    expect(undoneMessage({ restored: ['a', 'b'], left: [] })).toEqual({
      message: '2 files are as before the run.',
      all: true,
    });
  });

  test('that found nothing to do, a person is told that', () => {
    expect(undoneMessage({ restored: [], left: [] })).toEqual({
      message: 'Nothing of this run was left to be put back.',
      all: true,
    });
  });

  test('and what was left alone, and why', () => {
    expect(undoneMessage({ restored: [], left: left(1) }).message).toBe(
      'No file was put back. 1 file was left alone: f0.ts (It was changed since).',
    );
  });

  test('a long list is not in the message, which says so', () => {
    const { message, all } = undoneMessage({ restored: ['a'], left: left(9) });
    expect(message).toMatch(
      /^1 file is as before the run\. 9 files were left alone: .*, and 6 more\.$/,
    );
    expect(all).toBe(false);
  });
});
