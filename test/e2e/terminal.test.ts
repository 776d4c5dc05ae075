import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

/* `npm start -- --terminal`: what it prints is typed in a second terminal, as it stands there. */

const run = promisify(execFile);
const root = path.dirname(path.dirname(import.meta.dirname));
let started: ChildProcess;
let env: NodeJS.ProcessEnv;
let address = '';
const lines: string[] = [];

beforeAll(async () => {
  const dir = path.join(inject('scratch'), 'terminal');
  env = { ...process.env, GIMO_CONFIG_HOME: path.join(dir, 'ledger'), NO_COLOR: '1' };
  const child = spawn(
    process.execPath,
    [path.join(root, 'scripts', 'start.mjs'), '--terminal', '--dir', dir],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env },
  );
  started = child;
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    address = /http:\S+/.exec(line)?.[0] ?? address;
    if (line.startsWith('Ctrl-C')) break;
  }
});

afterAll(() => {
  if (started.exitCode === null) started.kill('SIGKILL');
});

/** What is printed for the second terminal, without what it does. */
const printed = (word: string): string =>
  lines
    .find((line) => line.startsWith('  ') && line.includes(word))
    ?.trim()
    .replace(/ {2,}.*$/, '') ?? '';

async function type(line: string): Promise<string> {
  const { stdout } = await run('bash', ['-c', `${printed('cd ')} && ${line}`], { cwd: root, env });
  return stdout;
}

test('the main job is done with the commands that it prints', async () => {
  const draft = /\bd_\d+_[0-9a-f]+/.exec(await type(printed('cli.js generate')))?.[0] ?? '';
  expect(await type(printed('cli.js drafts'))).toContain(draft);
  // Without a terminal nobody can be asked.
  const approve = `${printed('cli.js approve').replace('<draft id>', draft)} --yes`;
  const made = /\br_\d+_[0-9a-f]+/.exec(await type(approve))?.[0] ?? '';
  expect(await type(printed('cli.js runs'))).toContain(made);
  expect(await type(printed('cli.js logs').replace('<run id>', made))).toContain(
    'Execution completed',
  );
});

test('Ctrl-C ends it', async () => {
  const ended = once(started, 'exit');
  started.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  await expect(fetch(address)).rejects.toThrow();
});
