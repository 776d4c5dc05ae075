import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { gimo, programOf } from './gimo.ts';

let script: string;
beforeAll(async () => {
  const { code, out } = await gimo(['completion', 'bash']);
  expect(code).toBe(0);
  script = join(mkdtempSync(join(tmpdir(), 'gimo-cli-completion-')), 'gimo.bash');
  writeFileSync(script, out);
});

/** What a real bash completes the last of these words to, once it has sourced the script. */
function completed(...words: string[]): string[] {
  const program = `set -u; source "$1"; shift; complete -p gimo >/dev/null
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gimo; printf '%s\\n' "\${COMPREPLY[@]-}"`;
  const args = ['--norc', '-c', program, 'bash', script, ...words];
  const found = execFileSync('bash', args, { encoding: 'utf8' });
  return found.split('\n').filter((word) => word !== '');
}

describe('bash completes', () => {
  test('commands, and those below them', () => {
    expect(completed('gimo', 'dra')).toEqual(['draft', 'drafts']);
    expect(completed('gimo', 'draft', '')).toEqual(['new', 'show', 'diff', 'edit']);
    expect(completed('gimo', '--root', 'draft', 'prov')).toEqual(['provider']);
  });
  test('options of the command, and those that all of them have', () => {
    expect(completed('gimo', 'approve', 'd_1', '--r')).toEqual(['--run', '--root']);
    expect(completed('gimo', 'status', '--j')).toEqual(['--json']);
  });
  test('values, where there is a choice', () => {
    expect(completed('gimo', 'drafts', '--status', 'a')).toEqual(['approved']);
    expect(completed('gimo', 'restore', '')).toEqual(['config', 'provider', 'allowlist']);
    expect(completed('gimo', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });
  test('nothing of ours where any value may stand, so that the shell offers files', () => {
    expect(completed('gimo', 'draft', 'new', '--file', '')).toEqual([]);
    expect(completed('gimo', 'plan', 'set', 'x')).toEqual([]);
  });
  test('every command of the tree', () => {
    const walk = (command: Command, words: string[]) => {
      for (const sub of command.commands) {
        expect(completed(...words, sub.name())).toContain(sub.name());
        walk(sub, [...words, sub.name()]);
      }
    };
    walk(programOf().command, ['gimo']);
  });
});

describe.each(['zsh', 'fish'])('the script for %s', (shell) => {
  test('names every command with what it does', async () => {
    const { code, out } = await gimo(['completion', shell]);
    expect(code).toBe(0);
    for (const command of programOf().command.commands) {
      if (command.name() === 'help') continue;
      expect(out).toContain(command.name());
      expect(out.replaceAll('\\:', ':')).toContain(command.description());
    }
  });
});
