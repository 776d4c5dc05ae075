import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSample } from '../../../scripts/sample.ts';
import { programOf } from '../../unit/cli/gimo.ts';
import { addProgram, atTerminal, makePlace, type Place, run, whenRun } from './support.ts';

const repository = join(import.meta.dirname, '../../..');
const page = await readFile(join(repository, 'docs/cli.md'), 'utf8');
/** The pieces of the page that are run, with the files between them, in their order. */
const blocks = [...page.matchAll(/^```(sh|json (\S+))\n([\s\S]*?)^```$/gm)].map(
  ([, , file, text = '']) => ({ file, text }),
);
const key = 'a-key-that-nobody-may-see';

let dir: string;
let place: Place;
let check: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-docs-'));
  await makeSample(join(dir, 'work'));
  place = await makePlace(dir);
  check = join(dir, 'check.fifo');
  execFileSync('mkfifo', [check]);
  /* A program that takes as long as the test wants. */
  await addProgram(place.bin, 'check', `read -r _line < '${check}'`);
});
afterAll(async () => {
  await place?.server.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** The page's ids as those of the newest records. */
async function withIds(text: string): Promise<string> {
  const { client } = place.server.host;
  const [draft] = await client.call('listDrafts', { limit: 1, status: ['draft'] });
  const [approved] = await client.call('listApproved', { limit: 1 });
  const [newest] = await client.call('listRuns', { limit: 1 });
  return text
    .replace(/\bd_\d+_[0-9a-f]+/g, draft?.id ?? 'd_none')
    .replace(/\br_\d+_[0-9a-f]+/g, newest?.id ?? 'r_none')
    .replace(/\ba_\d+_[0-9a-f]+/g, approved?.id ?? 'a_none');
}

/** What has to have happened before a line can be run; a person would look. */
async function before(line: string): Promise<void> {
  if (line.startsWith('gimo resume')) await whenRun(place, 'paused');
  if (line.startsWith('gimo undo')) await whenRun(place, 'done');
}

/** Lets the program come to its end. */
async function releaseCheck() {
  const pipe = await open(check, 'w');
  await pipe.write('go\n');
  await pipe.close();
}

/* Milliseconds. Each line is a process of its own, and the machine may be busy. */
const patience = { timeout: 90_000 };

describe('every example of docs/cli.md works at a terminal, with yes typed where it asks', () => {
  for (const [at, { file, text }] of blocks.entries())
    test(`${at + 1}: ${text.split('\n')[0]}`, patience, async () => {
      if (file !== undefined) return writeFile(join(place.server.root, file), text);
      for (const line of text.trimEnd().split('\n')) {
        await before(line);
        const watches = line === 'gimo watch';
        const { code, out } = await atTerminal(
          { ...place, env: { ...place.env, MY_KEY: key } },
          `set -euo pipefail; ${await withIds(line)}`,
          watches
            ? [{ at: /Nothing waits/, type: '\u0003' }]
            : [{ at: /Type yes/, type: 'yes\n', again: true }],
        );
        expect(code, `${line}\n${out}`).toBe(watches ? 130 : 0);
        expect(out).not.toContain(key);
        if (line.startsWith('gimo pause')) await releaseCheck();
      }
    });
});

test(
  'examples/terminal proposes, waits for a yes from elsewhere, and ends as the run does',
  patience,
  async () => {
    const { client } = place.server.host;
    const decided = async (yes: boolean) => {
      const decide = async () => {
        const [draft] = await client.call('listDrafts', { limit: 1, status: ['draft'] });
        const id = draft?.id ?? '';
        await run(place, yes ? ['gimo', 'approve', id, '--yes'] : ['gimo', 'reject', id]);
        return '';
      };
      const script = join(repository, 'examples/terminal/propose.sh');
      return atTerminal(place, `NO_COLOR=1 ${script} 'Plan a health check'`, [
        { at: /waits for a yes/, type: decide },
      ]);
    };
    const yes = await decided(true);
    expect(yes.code, yes.out).toBe(0);
    expect(yes.out).toMatch(/Run r_\w+ is done\n$/);
    const no = await decided(false);
    expect(no.code, no.out).toBe(1);
    expect(no.out).toMatch(/is rejected; nothing runs\.\n$/);
  },
);

test('every command stands on the page', () => {
  const walk = (command: Command, words: string): string[] =>
    command.commands
      .filter((sub) => sub.name() !== 'help')
      .flatMap((sub) => [`${words} ${sub.name()}`, ...walk(sub, `${words} ${sub.name()}`)]);
  const all = walk(programOf().command, 'gimo').filter(
    (name) => !/^gimo (draft|token)$/.test(name),
  );
  const lines = page.split('\n');
  for (const name of all)
    expect(
      lines.some((line) => line.includes(`${name} `) || line.endsWith(name)),
      name,
    ).toBe(true);
});

test('what it says where there is no server is what it says', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'gimo-docs-empty-'));
  const { code, err } = await run(place, ['bash', '-c', `cd '${empty}' && gimo status`]);
  expect(code).toBe(3);
  expect(page).toContain(`$ gimo status\n${err.replace(empty, '~/app')}`);
  await rm(empty, { recursive: true });
});
