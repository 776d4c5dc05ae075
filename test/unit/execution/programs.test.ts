import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPrograms } from '../../../src/execution/programs.ts';
import { commandEnv } from '../../../src/execution/scrub.ts';
import { makeWorkspace } from './command-support.ts';

async function withTools() {
  const { dir, root } = await makeWorkspace();
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  for (const folder of [one, two, join(root, 'bin')]) {
    await mkdir(folder);
    await writeFile(join(folder, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  }
  await mkdir(join(two, 'folder'));
  await symlink(join(root, 'bin'), join(dir, 'linked'));
  await symlink(root, join(dir, 'work-link'));
  return { dir, root, one, two };
}

describe('a program that is named', () => {
  it('is the first on the PATH, the workspace and relative folders left out', async () => {
    const { dir, root, one, two } = await withTools();
    const inside = [join(root, 'bin'), join(dir, 'linked'), 'work/bin', '.', '', root];
    for (const first of [one, two]) {
      const PATH = [...inside, join(dir, 'missing'), first, one, two].join(delimiter);
      for (const workspace of [root, join(dir, 'work-link')]) {
        const { realPath } = createPrograms({ root: workspace, env: { PATH } });
        expect(await realPath('tool')).toBe(join(first, 'tool'));
      }
    }
  });

  it('is not found if it is no program, or no name', async () => {
    const { one, two } = await withTools();
    const { root } = await makeWorkspace();
    const { realPath } = createPrograms({ root, env: { PATH: [one, two].join(delimiter) } });
    for (const name of ['missing', 'folder', '', '.', '..', './tool', 'one/tool', 'tool\0'])
      expect(await realPath(name)).toBeNull();
    expect(await createPrograms({ root, env: {} }).realPath('tool')).toBeNull();
  });
});

it('a program of the workspace is refused, however the workspace is written', async () => {
  const { dir, root, one } = await withTools();
  for (const workspace of [root, join(dir, 'work-link')]) {
    const { refused } = createPrograms({ root: workspace, env: {} });
    for (const program of [join(root, 'bin/tool'), join(workspace, 'x'), `${one}/../work/x`])
      expect(refused(program)).toContain('lies in the workspace');
    for (const program of [join(one, 'tool'), `${root}-2/tool`, join(root, '..', '..x'), 'tool'])
      expect(refused(program)).toBeNull();
  }
});

describe('the environment of a command', () => {
  it('has a PATH without the workspace, and without relative folders', async () => {
    const { dir, root, one, two } = await withTools();
    const PATH = [join(root, 'bin'), one, '.', join(dir, 'linked'), '', two].join(delimiter);
    const env = await commandEnv({ env: { PATH }, root, runId: 'r_1_aaaaaa' });
    expect(env).toEqual({
      ...{ PATH: [one, two].join(delimiter), TERM: 'dumb', GIMO_RUN_ID: 'r_1_aaaaaa' },
    });
  });

  it('has no PATH if nothing of it is left', async () => {
    const { root } = await withTools();
    const env = await commandEnv({ env: { PATH: '.', HOME: '/home/a' }, root, runId: 'r_1_a' });
    expect(env).toEqual({ HOME: '/home/a', TERM: 'dumb', GIMO_RUN_ID: 'r_1_a' });
  });
});
