import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));
const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');

const Report = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      location: z.object({ path: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
});

/**
 * Lints files under the project's biome.json, away from the project (2.6 reports nothing about what it reads from
 * stdin).
 * @returns the refused lines (from 0) of each file, and the exit code
 */
function lint(files: Record<string, string[]>) {
  const dir = mkdtempSync(path.join(tmpdir(), 'gimo-layers-'));
  try {
    cpSync(path.join(root, 'biome.json'), path.join(dir, 'biome.json'));
    for (const [file, lines] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
      writeFileSync(path.join(dir, file), `${lines.join('\n')}\n`);
    }
    const ran = spawnSync(
      process.execPath,
      [
        ...[biome, 'lint', '--only=style/noRestrictedImports', '--vcs-enabled=false'],
        ...['--reporter=json', '--max-diagnostics=none', '.'],
      ],
      { cwd: dir, encoding: 'utf8' },
    );
    const refused: Record<string, number[]> = {};
    for (const { category, location } of Report.parse(JSON.parse(ran.stdout)).diagnostics) {
      if (category !== 'lint/style/noRestrictedImports') continue;
      refused[location.path] ??= [];
      refused[location.path]?.push(location.start.line - 1);
    }
    return { refused, status: ran.status };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const outside = ['vscode', 'express', 'openai', 'node:fs'];

/** For each file, what it may import and what it may not; together they cover every arrow of the design. */
const arrows: { file: string; right: string[]; wrong: string[] }[] = [
  {
    file: 'src/contract/x.ts',
    right: ['zod', './records.ts'],
    wrong: [...outside, ...layers('core', 'store', 'http', 'client', 'editor', 'cli')],
  },
  {
    file: 'src/core/x.ts',
    right: ['zod', 'node:crypto', 'canonicalize', './ports.ts', ...layers('contract')],
    wrong: [
      ...outside,
      'express-rate-limit',
      'node:fs/promises',
      'fs',
      ...layers('store', 'execution', 'providers', 'repo', 'http', 'client', 'editor', 'cli'),
      '../extension.ts',
      './sub/../../http/x.ts',
    ],
  },
  {
    file: 'src/core/sub/x.ts',
    right: ['../ports.ts', '../../contract/x.ts', '../../core/x.ts'],
    wrong: ['../../store/x.ts', '../../editor/x.ts'],
  },
  ...['store', 'execution', 'providers', 'repo'].map((me) => ({
    file: `src/${me}/x.ts`,
    right: ['node:fs', './y.ts', ...layers('contract', 'core')],
    wrong: [
      'vscode',
      'express',
      ...layers(...['store', 'execution', 'providers', 'repo'].filter((other) => other !== me)),
      ...layers('http', 'client', 'editor', 'cli'),
      '../cli.ts',
    ],
  })),
  { file: 'src/store/y.ts', right: ['proper-lockfile'], wrong: ['openai', 'openai/index.js'] },
  { file: 'src/providers/y.ts', right: ['openai'], wrong: ['express-rate-limit'] },
  {
    file: 'src/http/x.ts',
    right: ['express', ...layers('contract', 'core', 'store', 'execution', 'providers', 'repo')],
    wrong: ['vscode', ...layers('editor', 'cli'), '../extension.ts', '../cli.ts'],
  },
  {
    file: 'src/client/x.ts',
    right: ['zod', ...layers('contract')],
    wrong: ['vscode', 'express', ...layers('core', 'store', 'http', 'editor', 'cli')],
  },
  {
    file: 'src/editor/x.ts',
    right: ['vscode', ...layers('contract', 'core', 'client', 'http')],
    wrong: ['express', 'openai', ...layers('cli', 'store'), '../extension.ts'],
  },
  { file: 'src/editor/sub/x.ts', right: ['../ids.ts'], wrong: ['../../cli/x.ts'] },
  {
    file: 'src/cli/x.ts',
    right: ['commander', ...layers('contract', 'core', 'client', 'http')],
    wrong: ['vscode', ...layers('editor', 'store'), '../extension.ts'],
  },
  {
    file: 'src/extension.ts',
    right: ['vscode', './editor/x.ts', './http/host.ts'],
    wrong: ['express', './cli/x.ts', './cli.ts'],
  },
  {
    file: 'src/cli.ts',
    right: ['./cli/x.ts', './http/host.ts'],
    wrong: ['vscode', './editor/x.ts', './extension.ts'],
  },
  {
    file: 'webview/x.ts',
    right: ['../src/contract/records.ts', './panel.ts'],
    wrong: ['vscode', 'node:fs', '../src/core/x.ts', '../src/editor/ids.ts'],
  },
];

function layers(...names: string[]): string[] {
  return names.map((name) => `../${name}/x.ts`);
}

describe('an arrow between the layers that runs the wrong way fails the lint', () => {
  const exportOf = (from: string, n: number) => `export { x as x${n} } from '${from}';`;
  let found: ReturnType<typeof lint>;
  beforeAll(() => {
    found = lint(
      Object.fromEntries(
        arrows.map((row) => [row.file, [...row.right, ...row.wrong].map(exportOf)]),
      ),
    );
  });

  test.each(arrows)('$file', ({ file, right, wrong }) => {
    const all = [...right, ...wrong];
    const refused = found.refused[file] ?? [];
    expect(all.filter((_, n) => refused.includes(n))).toEqual(wrong);
  });

  test('the lint fails for a wrong one and passes for right ones', () => {
    expect(found.status).toBe(1);
    expect(lint({ 'src/core/x.ts': [exportOf('../contract/x.ts', 0)] }).status).toBe(0);
  });

  test('a type or a dynamic import counts too', () => {
    const lines = [
      `import type { X } from '../store/x.ts';`,
      `export type Y = X;`,
      `import('express');`,
    ];
    expect(lint({ 'src/core/x.ts': lines }).refused['src/core/x.ts']).toEqual([0, 2]);
  });
});
