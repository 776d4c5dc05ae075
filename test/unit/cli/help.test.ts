import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { gimo, programOf } from './gimo.ts';

/** Every command of the tree with the words that call it. */
function commandsOf(command: Command, words: readonly string[] = []): string[][] {
  const below = command.commands
    .filter((sub) => sub.name() !== 'help')
    .flatMap((sub) => commandsOf(sub, [...words, sub.name()]));
  return words.length === 0 ? below : [[...words], ...below];
}
const all = commandsOf(programOf().command);

test('there is a command for everything that API.md names', () => {
  const names = all.map((words) => words.join(' '));
  for (const name of [
    ...['serve', 'status', 'drafts', 'draft new', 'draft edit', 'draft show', 'draft diff'],
    ...['generate', 'approve', 'reject', 'runs', 'run', 'cancel', 'pause', 'resume', 'undo'],
    ...['logs', 'watch', 'plan', 'config', 'provider', 'audit verify', 'token', 'openapi'],
    ...['redraft', 'changes', 'accept', 'restore', 'lockdown', 'resolve'],
  ])
    expect(names).toContain(name);
});

describe('help ends with 0 and shows an example', () => {
  for (const words of all)
    test(`gimo ${words.join(' ')}`, async () => {
      const { code, out } = await gimo([...words, '--help']);
      expect(code).toBe(0);
      expect(out).toContain(`Example:\n  $ gimo ${words.join(' ')}`);
    });
});

test('gimo alone shows the main job in five lines, and is a usage error', async () => {
  const { code, out, err } = await gimo([]);
  expect([code, out]).toEqual([2, '']);
  expect(err.trimEnd().split('\n')).toHaveLength(5);
  for (const name of ['serve', 'generate', 'drafts', 'approve', 'watch'])
    expect(err).toContain(`gimo ${name}`);
});

test('--version prints the version, and help lists the commands under headings', async () => {
  expect((await gimo(['--version'])).out).toBe('1.2.3\n');
  expect((await gimo(['-v'])).out).toBe('1.2.3\n');
  const { out } = await gimo(['--help']);
  for (const heading of ['Server:', 'Propose:', 'Decide:', 'Run:', 'Set up:', 'Watch over:'])
    expect(out).toContain(`\n${heading}\n`);
});

test('help of a command that there is not says so, and what comes close', async () => {
  const { code, out, err } = await gimo(['help', 'bogus']);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain("unknown command 'bogus'");
  expect((await gimo(['help', 'drafst'])).err).toContain('Did you mean one of draft, drafts?');
  expect((await gimo(['help', 'drafts'])).out).toContain('Usage: gimo drafts');
  expect((await gimo(['help'])).out).toContain('Usage: gimo ');
});

test('what it does not know leads to the help and the version', async () => {
  for (const words of [['version'], ['-x'], ['status', '--odd']]) {
    const { code, err } = await gimo(words);
    expect(code).toBe(2);
    expect(err).toContain('gimo --help');
    expect(err).toContain('gimo --version');
  }
});

test('help lists every exit code', async () => {
  expect((await gimo(['--help'])).out).toContain(
    'Exit codes: 0 done, 1 refused, 2 usage, 3 no server, 130 Ctrl-C.',
  );
});
