import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Draft, Out } from '../../../src/contract/operations.ts';
import type { DraftRecord, Warning } from '../../../src/contract/records.ts';
import { sensitive } from '../../../src/contract/sensitive.ts';
import { principalOf } from '../../../src/core/principals.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { reviewHandler } from '../../../src/core/review.ts';
import { createPrograms } from '../../../src/execution/programs.ts';
import { createWorkspace } from '../../../src/execution/workspace.ts';
import { calling, draftOf, openBook, openParts, startCore, tempDir } from './support.ts';

type Steps = DraftRecord['steps'];

const node = realpathSync(process.execPath);
const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const edit = (...changes: { path: string; base_sha256?: string | null; text: string | null }[]) => [
  { id: 'edit', kind: 'edit' as const, changes },
];

/** A review of steps over real files. `unsaved` are open in an editor. */
async function reviewing(unsaved: string[] = []) {
  const parts = await openParts(await tempDir());
  const root = path.dirname(parts.dataDir);
  const { workspace } = createWorkspace({
    ...{ root, dataDir: parts.dataDir, versions: parts.ledger.oldVersions },
    unsaved: () => unsaved.map((one) => path.join(root, one)),
  });
  const { settings } = await openBook(parts);
  await settings.setConfig({ command_allowlist: [{ program: node, args_prefix: ['-e'] }] });
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  const review = async (fields: Partial<Draft>): Promise<Out['reviewDraft']> => {
    const draft: Draft = { ...draftOf(1, fields), digest: 'd', provider_resolved: null };
    const handler = reviewHandler({
      drafts: { told: async () => draft },
      ...{ workspace, settings, programs: createPrograms({ root, env: {} }) },
      redactor: createRedactor(() => []),
      judge: async () => () => true,
    });
    if (!('read' in handler)) throw new Error('It is a read.');
    const call = {
      ...{ principal: principalOf('admin', 'a-token-for-tests'), correlationId: 'c' },
      ...{ source: 'api' as const, ifMatch: undefined },
    };
    return (await handler.read({ draft_id: draft.id }, call)).body;
  };
  const warnings = async (steps: Steps, more: Partial<Draft> = {}) =>
    (await review({ steps, ...more })).warnings;
  const codes = async (steps: Steps, more: Partial<Draft> = {}) =>
    (await warnings(steps, more)).map(({ code }) => code);
  return { root, write, review, warnings, codes };
}

describe('the review of an edit', () => {
  test('has nothing to tell of changes that fit the files as they are', async () => {
    const { write, codes } = await reviewing();
    write('src/a.ts', 'old\n');
    write('src/gone.ts', 'x\n');
    const steps = edit(
      { path: 'src/a.ts', base_sha256: hash('old\n'), text: 'new\n' },
      { path: 'src/new.ts', base_sha256: null, text: 'new\n' },
      { path: 'src/gone.ts', base_sha256: hash('x\n'), text: null },
    );
    expect(await codes(steps)).toEqual([]);
  });

  test('tells that a file is not the one that the change was made from', async () => {
    const { write, warnings } = await reviewing();
    write('a.ts', 'newer\n');
    write('b.ts', 'there by now\n');
    const found = await warnings(
      edit(
        { path: 'a.ts', base_sha256: hash('old\n'), text: 'x' },
        { path: 'b.ts', base_sha256: null, text: 'x' },
        { path: 'c.ts', base_sha256: hash('gone'), text: 'x' },
      ),
    );
    expect(found.map(({ code, step, path: at }) => [code, step, at])).toEqual([
      ['base_changed', 'edit', 'a.ts'],
      ['base_changed', 'edit', 'b.ts'],
      ['base_changed', 'edit', 'c.ts'],
    ]);
    expect(new Set(found.map(({ message }) => message)).size).toBe(3);
  });

  test('does not blame a step for what an earlier one leaves', async () => {
    const { write, warnings } = await reviewing();
    write('a.ts', 'one\n');
    const chain: Steps = [
      ...edit({ path: 'a.ts', base_sha256: hash('one\n'), text: 'two\n' }),
      {
        id: 'again',
        kind: 'edit',
        changes: [{ path: 'a.ts', base_sha256: hash('two\n'), text: null }],
      },
      { id: 'anew', kind: 'edit', changes: [{ path: 'a.ts', base_sha256: null, text: 'three\n' }] },
      {
        id: 'wrong',
        kind: 'edit',
        changes: [{ path: 'a.ts', base_sha256: hash('one\n'), text: 'x' }],
      },
    ];
    expect((await warnings(chain)).map(({ code, step }) => `${code} ${step}`)).toEqual([
      'base_changed wrong',
    ]);
  });

  test('tells which files would be refused, and why', async () => {
    const { root, write, warnings } = await reviewing();
    write('real/a.ts', 'x');
    symlinkSync(path.join(root, 'real'), path.join(root, 'link'));
    const found = await warnings(
      edit(
        { path: '../outside.txt', text: 'x' },
        { path: '.git/hooks/pre-commit', text: 'x' },
        { path: '.orch_data/ops/config.json', text: 'x' },
        { path: 'link/a.ts', text: 'x' },
      ),
    );
    expect(found.map(({ code }) => code)).toEqual(Array(4).fill('path_refused'));
    for (const { message } of found) expect(message).toMatch(/^[A-Z].*\.$/);
  });

  test('tells what is open with unsaved changes, and what changes tools or agents', async () => {
    const { codes } = await reviewing(['src/open.ts']);
    expect(await codes(edit({ path: 'src/open.ts', text: 'x' }))).toEqual(['unsaved']);
    expect(await codes(edit({ path: '.vscode/tasks.json', text: '{}' }))).toEqual([
      'sensitive_path',
    ]);
    expect(await codes(edit({ path: 'docs/AGENTS.md', text: null }))).toEqual(['sensitive_path']);
  });

  test('tells of a placeholder, unless the file has it already', async () => {
    const { write, codes } = await reviewing();
    write('a.ts', 'key = [REDACTED]\n');
    const to = (text: string) =>
      edit({ path: 'a.ts', base_sha256: hash('key = [REDACTED]\n'), text });
    expect(await codes(to('key = [REDACTED]\nmore\n'))).toEqual([]);
    expect(await codes(to('key = [REDACTED]\nother = [REDACTED]\n'))).toEqual(['placeholder']);
    expect(await codes(edit({ path: 'new.ts', text: 'a [REDACTED]' }))).toEqual(['placeholder']);
  });
});

describe('the review of a command', () => {
  const command = (...argv: string[]): Steps => [{ id: 'run', kind: 'command', argv }];

  test('has nothing to tell of one that the allowlist allows', async () => {
    const { codes } = await reviewing();
    expect(await codes(command(node, '-e', '1'))).toEqual([]);
  });

  test('tells of one that would be refused', async () => {
    const { root, warnings } = await reviewing();
    const [found] = await warnings(command(node, '--version'));
    expect(found).toMatchObject({ code: 'command_refused', step: 'run', path: null });
    const inside = path.join(realpathSync(root), 'tool');
    expect(await warnings(command(inside))).toHaveLength(1);
  });
});

test('the review tells what looks like a key, wherever it stands, and not what a file holds already', async () => {
  const { write, warnings } = await reviewing();
  const key = `ghp_${'a'.repeat(36)}`;
  write('a.ts', `const had = '${key}';\n`);
  const found = await warnings(
    [
      { id: 'ask', kind: 'prompt', text: `Use ${key}` },
      { id: 'edit', kind: 'edit', changes: [{ path: 'a.ts', text: `const had = '${key}';\nx\n` }] },
      { id: 'new', kind: 'edit', changes: [{ path: 'b.ts', text: `const k = '${key}';\n` }] },
      { id: 'run', kind: 'command', argv: [node, '-e', key] },
    ],
    { prompt: `With ${key}`, content: 'password=hunter2hunter2', context: { key } },
  );
  expect(found.map(({ code, step, path: at }: Warning) => [code, step, at])).toEqual([
    ['secret', null, null],
    ['secret', null, null],
    ['secret', null, null],
    ['secret', 'ask', null],
    ['secret', 'new', 'b.ts'],
    ['secret', 'run', null],
  ]);
  expect(JSON.stringify(found)).not.toContain(key);
});

test('the review names the digest that it looked at, and tells nothing of a draft that is final', async () => {
  const { review } = await reviewing();
  const steps = edit({ path: '../x', text: 'x' });
  expect(await review({ steps })).toMatchObject({
    digest: 'd',
    warnings: [{ code: 'path_refused' }],
  });
  expect(await review({ steps, status: 'rejected' })).toEqual({ digest: 'd', warnings: [] });
});

test('the server reviews a draft of its own', async () => {
  const parts = await openParts(await tempDir());
  const { core } = await startCore(parts, { worker: 'none' });
  const call = calling(core);
  const { id, digest } = await call('createDraft', {
    prompt: 'Set up the editor',
    steps: edit({ path: '.vscode/settings.json', text: '{}\n' }),
  });
  expect(await call('reviewDraft', { draft_id: id })).toMatchObject({
    digest,
    warnings: [{ code: 'sensitive_path', step: 'edit', path: '.vscode/settings.json' }],
  });
});

describe('paths that change how tools or agents behave', () => {
  test.each([
    ...[
      '.vscode/settings.json',
      'app/.vscode/mcp.json',
      'x.code-workspace',
      '.devcontainer/a.json',
    ],
    ...['.github/workflows/ci.yml', '.gitlab-ci.yml', 'Jenkinsfile', '.circleci/config.yml'],
    ...['.mcp.json', '.cursor/mcp.json', '.cursor/rules/x.mdc', '.claude/settings.json'],
    ...['AGENTS.md', 'docs/CLAUDE.md', 'GEMINI.md', '.cursorrules', '.windsurfrules'],
    ...['.github/copilot-instructions.md', '.github/prompts/x.md', 'a/b.instructions.md'],
    ...['.npmrc', '.yarnrc.yml', '.cargo/config.toml', '.husky/pre-commit', '.envrc', '.bashrc'],
    ...['.VSCODE/settings.json', '.vs\u200ccode/tasks.json', '.vscode./tasks.json', './.vscode//x'],
  ])('%j is one', (one) => {
    expect(sensitive(one)).not.toBe(null);
  });

  test.each([
    ...['src/agents.ts', 'README.md', 'package.json', 'Makefile', 'docs/workflows/ci.yml'],
    ...['vscode/settings.json', 'my.vscode.md', '.github/CODEOWNERS', 'src/mcp.ts', 'a/npmrc'],
  ])('%j is none', (one) => {
    expect(sensitive(one)).toBe(null);
  });
});
