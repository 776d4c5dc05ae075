import { describe, expect, test } from 'vitest';
import type { Step } from '../../../src/contract/records.ts';
import { parseWriteQuery, writeQuery } from '../../../src/editor/documents/addresses.ts';
import { diffTitle } from '../../../src/editor/documents/diffTitle.ts';
import { hiddenChanges } from '../../../src/editor/documents/hiddenChanges.ts';
import { revisionOf } from '../../../src/editor/documents/revision.ts';
import { fileChanges, insidePath, writesOf } from '../../../src/editor/documents/writes.ts';
import { draftId, draftWith } from './documents.fixtures.ts';

const edit = (id: string, ...changes: [path: string, text: string | null][]): Step => ({
  ...{ id, kind: 'edit' },
  changes: changes.map(([path, text]) => ({ path, text })),
});

describe('the changes of edit steps', () => {
  const steps: Step[] = [
    edit('one', ['a.ts', 'first'], ['b.ts', null]),
    { id: 'gate', kind: 'gate' },
    edit('two', ['./a.ts', 'second'], ['c.ts', 'x']),
  ];

  test('are compared with the workspace, and a second one of a file with the first', () => {
    const pairs = fileChanges(writesOf(steps)).map(({ write, before }) => [
      ...[write.path, before?.text ?? null],
    ]);
    expect(pairs).toEqual([
      ['a.ts', null],
      ['b.ts', null],
      ['./a.ts', 'first'],
      ['c.ts', null],
    ]);
  });

  test('are told by step and number, so that an address finds each', () => {
    const { writes } = revisionOf(draftWith({ steps }));
    expect(writes.map(({ step, change }) => [step, change])).toEqual([
      [0, 0],
      [0, 1],
      [2, 0],
      [2, 1],
    ]);
    expect(revisionOf(draftWith()).writes).toEqual([]);
  });
});

test('an address of what a step writes comes back whole, and nothing else passes for one', () => {
  const at = { id: draftId, revision: '1'.repeat(64), step: 12, change: 345 };
  expect(parseWriteQuery(writeQuery(at))).toEqual(at);
  for (const query of ['', 'd_1', `${writeQuery(at)}/more`, `${draftId}/1/-1.0`, `${draftId}/1/0`])
    expect(parseWriteQuery(query)).toBeNull();
});

test('a path that leads out of the workspace is not looked at', () => {
  for (const path of ['../x', 'a/../../x', '/etc/passwd', 'C:\\x', '..\\x', '.', '', 'a/'])
    expect([path, insidePath(path)]).toEqual([path, null]);
  expect(insidePath('./a/../b.ts')).toBe('b.ts');
  expect(insidePath('..a/b')).toBe('..a/b');
});

describe('what a diff hides is told', () => {
  const utf8 = (text: string) => Buffer.from(text);
  test.each([
    ['nothing', utf8('a\nb\n'), 'a\nc\n', []],
    ['line ends', utf8('a\r\nb\r\n'), 'a\nb\n', ['line ends CRLF → LF']],
    ['mixed line ends', utf8('a\nb\r\n'), 'a\nb\n', ['line ends mixed → LF']],
    ['no line end at all', utf8('a'), 'a\nb', []],
    ['a mark that goes', utf8('\ufeffa'), 'a', ['byte order mark removed']],
    ['a mark that comes', utf8('a'), '\ufeffa', ['byte order mark added']],
    ['UTF-16, which stays', Buffer.from('\ufeffa\r\n', 'utf16le'), 'a\n', ['line ends CRLF → LF']],
    ['UTF-16 the other way', Buffer.from('\ufeffa\n', 'utf16le').swap16(), 'a\n', []],
    ['another encoding', Buffer.from([0x66, 0xff]), 'a', ['neither UTF-8 nor UTF-16: refused']],
    ['no text', utf8('a\0b'), 'a', ['neither UTF-8 nor UTF-16: refused']],
    ['indentation', utf8('if x:\n  a\n'), 'if x:\na\n', ['white space changes']],
    ['what stands at the end', utf8('a\nb'), 'a  \nb', ['white space changes']],
  ])('%s', (_what, before, after, notes) => {
    expect(hiddenChanges(before, after)).toEqual(notes);
  });
});

describe('the title of a diff', () => {
  const [first, second] = fileChanges(
    writesOf([edit('a', ['a.ts', 'x']), edit('b', ['a.ts', null])]),
  );
  const told = { left: true, notes: [], oneStep: true, revision: '12345678' };

  test('says what is compared, and what happens to the file', () => {
    if (first === undefined || second === undefined) throw new Error('There are two changes.');
    expect(diffTitle(first, told)).toBe('a.ts: workspace ↔ draft (12345678)');
    expect(diffTitle(first, { ...told, left: false, notes: ['odd'] })).toBe(
      'a.ts (new, odd): nothing ↔ draft (12345678)',
    );
    expect(diffTitle(second, { ...told, oneStep: false })).toBe(
      'a.ts (step 2, deleted): after step 1 ↔ nothing (12345678)',
    );
  });
});
