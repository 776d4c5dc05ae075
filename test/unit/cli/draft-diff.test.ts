import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diffLines } from '../../../src/cli/diff.ts';
import { gimo } from './gimo.ts';
import { digest, draft, draftId } from './records.ts';
import { startWire, type Wire } from './wire.ts';

let root: string;
let wire: Wire;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gimo-cli-diff-'));
  mkdirSync(join(root, '.orch_data'));
});
afterEach(() => wire.close());

/** What `draft diff` says of a draft with these changes of files. */
async function diffOf(changes: { path: string; text: string | null }[], args: string[] = []) {
  const steps = [{ id: 's1', kind: 'edit', changes }];
  return diffOfDraft({ steps }, args);
}
async function diffOfDraft(fields: Record<string, unknown>, args: string[] = []) {
  wire = await startWire({ [`GET /ops/drafts/${draftId}`]: () => ({ body: draft(fields) }) });
  return gimo(['draft', 'diff', draftId, ...args], { url: wire.url, cwd: root });
}

test('compares with the workspace as it is now: changed, new, deleted and the same', async () => {
  writeFileSync(join(root, 'a.txt'), 'one\ntwo\nthree\n');
  writeFileSync(join(root, 'gone.txt'), 'x\n');
  writeFileSync(join(root, 'same.txt'), 'x\n');
  const { code, out } = await diffOf([
    { path: 'a.txt', text: 'one\n2\nthree\n' },
    { path: 'new/b.txt', text: 'b' },
    { path: 'gone.txt', text: null },
    { path: 'same.txt', text: 'x\n' },
  ]);
  expect(code).toBe(0);
  expect(out).toContain('--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n');
  expect(out).toContain('--- /dev/null\n+++ b/new/b.txt\n@@ -0,0 +1,1 @@\n+b\n\\ No newline');
  expect(out).toContain('--- a/gone.txt\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n');
  expect(out).toMatch(/change +same\.txt .*\n +as it is already\n/);
});

test('a later step finds what the earlier one has left', async () => {
  const edit = (id: string, text: string) => ({
    ...{ id, kind: 'edit' },
    changes: [{ path: 'a.txt', text }],
  });
  const { out } = await diffOfDraft({ steps: [edit('s1', 'one\n'), edit('s2', 'two\n')] });
  expect(out).toContain('+one\n');
  expect(out).toContain('-one\n+two\n');
});

test('what cannot be compared is said, and nothing outside of the workspace is read', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'gimo-cli-outside-'));
  writeFileSync(join(outside, 'secret.txt'), 'very secret\n');
  symlinkSync(outside, join(root, 'link'));
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'bytes'), Buffer.from([0xff, 0xfe, 0x41]));
  const paths = [
    'link/secret.txt',
    `../${outside.split('/').at(-1)}/secret.txt`,
    'folder',
    'bytes',
  ];
  const { code, out } = await diffOf(
    [...paths, join(outside, 'secret.txt')].map((path) => ({ path, text: 'new\n' })),
  );
  expect(code).toBe(0);
  expect(out).not.toContain('very secret');
  expect(out.match(/not compared/g)).toHaveLength(5);
  for (const why of ['symbolic link', 'out of the workspace', 'is no file', 'not UTF-8'])
    expect(out).toContain(why);
});

test('a diff cannot repaint the terminal, nor can a line of it pass for another', async () => {
  const text = `a\u001b[2Jb\u202e${'x'.repeat(60)}- forged\n`;
  wire = await startWire({
    [`GET /ops/drafts/${draftId}`]: () => ({
      body: draft({ steps: [{ id: 's1', kind: 'edit', changes: [{ path: 'a\n+b', text }] }] }),
    }),
  });
  const options = { url: wire.url, cwd: root, columns: 40, env: { NO_COLOR: '1' } };
  const { out } = await gimo(['draft', 'diff', draftId], options);
  expect(out).toContain('+a\\u{001B}[2Jb\\u{202E}');
  expect(out).not.toContain('\n- forged');
  expect(out).toMatch(/\n┆.*- forged\n/);
});

test('line ends that stay CRLF are said once', async () => {
  writeFileSync(join(root, 'a.txt'), 'one\r\ntwo\r\n');
  const { out } = await diffOf([{ path: 'a.txt', text: 'one\r\n2\r\n' }]);
  expect(out).toContain('All of these lines end with CRLF.\n');
  expect(out).toContain('\n one\n-two\n+2\n');
});

test('line ends that change are shown', async () => {
  writeFileSync(join(root, 'a.txt'), 'one\r\n');
  const { out } = await diffOf([{ path: 'a.txt', text: 'one\n' }]);
  expect(out).toContain('-one\\u{000D}\n+one\n');
});

test('content alone is all new; a draft of neither says so', async () => {
  expect((await diffOfDraft({})).out).toContain('+++ content\n@@ -0,0 +1,2 @@\n+line one\n');
  await wire.close();
  expect((await diffOfDraft({ content: null })).err).toContain('changes no file');
});

test('--json gives the lines of each diff', async () => {
  const { out } = await diffOf([{ path: 'a.txt', text: 'a\n' }], ['--json']);
  expect(JSON.parse(out)).toMatchObject({
    ...{ id: draftId, digest },
    files: [{ step: 's1', path: 'a.txt', problem: null, diff: expect.arrayContaining(['+a']) }],
  });
});

test('git applies what it says', () => {
  const line = fc.constantFrom('a', 'b', 'c', '', '-', '+', '@@ -1 +1 @@');
  const text = fc
    .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', '\n'))
    .map(([lines, end]) => (lines.length === 0 ? 'x\n' : lines.join('\n') + end));
  const apply = (before: string, after: string) => {
    const dir = mkdtempSync(join(tmpdir(), 'gimo-cli-apply-'));
    writeFileSync(join(dir, 'f'), before);
    const sides = { before: { name: 'a/f', text: before }, after: { name: 'b/f', text: after } };
    const lines = diffLines(sides);
    const patch = `${lines.join('\n')}\n`;
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
    if (lines.length > 0)
      execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: dir, input: patch, env });
    return readFileSync(join(dir, 'f'), 'utf8');
  };
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== '' && after !== '');
      expect(apply(before, after)).toBe(after);
    }),
    { numRuns: 25 },
  );
});

test('texts too different to be compared are shown whole', () => {
  const lines = (tag: string) => Array.from({ length: 6_000 }, (_, at) => `${tag}${at}\n`).join('');
  const found = diffLines({
    before: { name: 'a', text: lines('old') },
    after: { name: 'b', text: lines('new') },
  });
  expect(found.slice(0, 4)).toEqual(['--- a', '+++ b', '@@ -1,6000 +1,6000 @@', '-old0']);
  expect(found).toHaveLength(3 + 12_000);
});
