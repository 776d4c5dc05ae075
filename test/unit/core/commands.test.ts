import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CommandStep } from '../../../src/contract/records.ts';
import { checkAllowlist, commandRefused, resolveCommand } from '../../../src/core/commands.ts';
import { createPrograms } from '../../../src/execution/programs.ts';
import { tempDir } from './support.ts';

const git = '/usr/bin/git';
const allowlist = [
  { program: git, args_prefix: ['status'] },
  { program: git, args_prefix: ['log', '--oneline'] },
  { program: '/usr/bin/make', args_prefix: [] },
];
const refused = (...argv: string[]) => commandRefused({ argv }, allowlist);

describe('a command', () => {
  it('is allowed if an entry names its program and its arguments begin with the prefix', () => {
    expect(refused(git, 'status')).toBeNull();
    expect(refused(git, 'status', '--short')).toBeNull();
    expect(refused(git, 'log', '--oneline', '-3')).toBeNull();
    expect(refused('/usr/bin/make')).toBeNull();
    expect(refused('/usr/bin/make', 'anything')).toBeNull();
  });

  it('is refused with other arguments, and told which are allowed', () => {
    for (const args of [[], ['push'], ['log'], ['log', '-3', '--oneline'], ['statusx'], ['']]) {
      const why = refused(git, ...args);
      expect(why).toContain('"/usr/bin/git" may be run only with arguments that begin with');
      expect(why).toContain('["status"] or ["log","--oneline"]');
      expect(why).toContain('command_allowlist');
    }
  });

  it('is refused if no entry names its program exactly', () => {
    for (const program of ['/usr/bin/git2', '/usr/bin/gi', '/usr/bin/../bin/git', '/usr//bin/git'])
      expect(refused(program, 'status')).toContain('command_allowlist');
  });

  it('is refused by name and by a relative path, whatever the list holds', () => {
    for (const program of ['git', './git', '../git', '', ' /usr/bin/git', '~/git']) {
      const list = [{ program, args_prefix: [] }];
      expect(commandRefused({ argv: [program] }, list)).toContain('absolute path');
    }
  });

  it('is refused by an empty list', () => {
    expect(commandRefused({ argv: [git] }, [])).toContain('not on the list');
  });
});

/** A place with a program, a link to it, and a workspace with a program of its own. */
async function withPrograms() {
  const dir = await tempDir();
  const [root, bin] = [join(dir, 'work'), join(dir, 'bin')];
  await mkdir(root);
  await mkdir(bin);
  const real = join(await realpath(bin), 'tool-1.2');
  for (const program of [real, join(root, 'tool'), join(root, 'mine')])
    await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(bin, 'plain'), '', { mode: 0o644 });
  await symlink('tool-1.2', join(bin, 'tool'));
  await symlink(join(root, 'mine'), join(bin, 'disguised'));
  const programs = createPrograms({ root, env: { PATH: [root, '.', '', bin].join(':') } });
  return { root, bin, real, programs };
}

describe('when a draft is made', () => {
  const step = (...argv: string[]): CommandStep => ({ id: 's1', kind: 'command', argv });

  it('a name or a link becomes the real path, if that may be run', async () => {
    const { bin, real, programs } = await withPrograms();
    const list = [{ program: real, args_prefix: ['go'] }];
    for (const program of ['tool', join(bin, 'tool'), real])
      expect(await resolveCommand(step(program, 'go', '1'), list, programs)).toEqual(
        step(real, 'go', '1'),
      );
  });

  it('the step stays as it is where it may not be run, or leads nowhere', async () => {
    const { bin, real, programs } = await withPrograms();
    const list = [{ program: real, args_prefix: ['go'] }];
    for (const argv of [['tool', 'stop'], [join(bin, 'tool')], ['missing'], ['./tool', 'go'], ['']])
      expect(await resolveCommand(step(...argv), list, programs)).toEqual(step(...argv));
    expect(await resolveCommand(step('tool', 'go'), [], programs)).toEqual(step('tool', 'go'));
  });
});

describe('a new allowlist', () => {
  it('takes real paths of programs outside of the workspace', async () => {
    const { real, programs } = await withPrograms();
    expect(await checkAllowlist([{ program: real, args_prefix: ['x'] }], programs)).toEqual([]);
    expect(await checkAllowlist([], programs)).toEqual([]);
  });

  it('is told what is wrong with each entry, and where', async () => {
    const { root, bin, real, programs } = await withPrograms();
    const wrong: [string, string][] = [
      ['tool', 'absolute path'],
      ['./tool', 'absolute path'],
      [join(bin, 'missing'), 'missing'],
      [join(bin, 'plain'), 'may not be executed'],
      [bin, 'missing, or it may not be executed'],
      ['/bin/\0', 'missing'],
      [join(bin, 'tool'), JSON.stringify(real)],
      [`${bin}/../bin/tool-1.2`, JSON.stringify(real)],
      [join(root, 'tool'), 'lies in the workspace'],
      [join(bin, 'disguised'), 'lies in the workspace'],
    ];
    const list = [real, ...wrong.map(([program]) => program)];
    const issues = await checkAllowlist(
      list.map((program) => ({ program, args_prefix: [] })),
      programs,
    );
    expect(issues).toHaveLength(wrong.length);
    for (const [at, [, why]] of wrong.entries()) {
      expect(issues[at]?.msg).toContain(why);
      expect(issues[at]?.loc).toEqual(['body', 'command_allowlist', at + 1, 'program']);
    }
  });
});
