import { execFileSync } from 'node:child_process';
import { link, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collisions, partsOf, Refused, sameOnDisk } from '../../../src/execution/place.ts';
import { changeOf, newYard, snapshot, watchedDisk, type Yard } from './edits.ts';

describe('a path that an edit may touch', () => {
  const refused: Record<string, string[]> = {
    'is relative': ['/etc/passwd', '/', 'C:/x', 'c:x', '//server/share'],
    'has / between folders': ['a\\b', '..\\x', '\\\\server\\share'],
    'does not lead upwards': ['..', '../x', 'a/../b', 'a/..'],
    'has no empty part': ['', 'a//b', 'a/', './a', 'a/./b', '.'],
    'has no control characters': ['a\0b', 'a\nb', 'a\u0085b', '\u007f', 'a\ud800'],
    'has no colon, so no drive and no stream': ['a:b', 'a.txt::$DATA', '.git::$INDEX_ALLOCATION'],
    'has no trailing dot or space': ['a.', 'a ', 'a./b', 'a /b', '...'],
    'is no device': [
      'con',
      'NUL.txt',
      'x/Aux',
      'com1.log',
      'LPT¹',
      'con .txt',
      'CONIN$',
      'prn.a.b',
    ],
    'does not lie in .git, however that is written': [
      ...['.git', '.git/config', 'sub/.GIT/x', '.Git', 'git~1', 'GIT~2/hooks', 'gi7eb6~1/x'],
      ...['.g\u200cit/config', '.g\u00adit', '\uFF0Egit/x', '.gi\uFF54'],
    ],
    'does not lie in .orch_data': ['.orch_data/x', '.ORCH_DATA', 'a/.Orch_Data/ops', 'ORCH_D~1/x'],
  };
  for (const [rule, paths] of Object.entries(refused))
    test(rule, () => {
      for (const path of paths) expect(() => partsOf(path), JSON.stringify(path)).toThrow(Refused);
    });

  test('may be anything else', () => {
    const fine = [
      ...[
        'a',
        'src/a.ts',
        '.github/workflows/x.yml',
        '.gitignore',
        '.env',
        'git',
        'a b/c d',
        '..a',
      ],
      ...[
        'é/ñ.txt',
        '🙂.md',
        'console.ts',
        'nul-check.ts',
        'com',
        'a~1',
        '.orch_data2',
        '-rf',
        '~',
      ],
    ];
    for (const path of fine) expect(partsOf(path).join('/')).toBe(path);
  });

  test('never leads out of the folder that it is joined to', () => {
    const part = fc.constantFrom('..', '.', '', 'a', '.git', 'c:', '\\', '/', 'x y', '...', '.. ');
    const path = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((all) => all.join('/')),
    );
    fc.assert(
      fc.property(path, (given) => {
        try {
          partsOf(given);
        } catch (error) {
          if (error instanceof Refused) return;
          throw error;
        }
        expect(join('/work', given)).toBe(`/work/${given}`);
      }),
    );
  });
});

describe('the paths of one step', () => {
  test('are all different, also where case makes no difference', () => {
    expect(collisions(['a', 'b', 'a'], 'linux')).toMatchObject([{ path: 'a' }]);
    expect(collisions(['a', 'A'], 'linux')).toEqual([]);
    for (const platform of ['win32', 'darwin'] as const)
      for (const twin of ['SRC/A.ts', 'ſrc/a.ts', 'src/ａ.ts'])
        expect(collisions(['src/a.ts', twin], platform), twin).toHaveLength(1);
    expect(sameOnDisk('e\u0301ß', 'darwin')).toBe(sameOnDisk('\u00e9SS', 'darwin'));
  });

  test('have no file where another one needs a folder', () => {
    expect(collisions(['a/b/c', 'a/b'], 'linux')).toMatchObject([{ path: 'a/b/c' }]);
    expect(collisions(['a', 'a/b/c'], 'linux')).toMatchObject([{ path: 'a/b/c' }]);
    expect(collisions(['a', 'ab', 'b/a'], 'linux')).toEqual([]);
  });

  test('are refused in a run', async () => {
    const yard = await newYard();
    const run = yard.run([changeOf('a', null, 'x'), changeOf('a', null, 'y')]);
    await expect(run).rejects.toThrow('Nothing was changed. a: The step changes it twice.');
  });
});

/** Outside the workspace, with a file in it. */
async function outsideOf(yard: Yard) {
  const outside = join(yard.dir, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'a'), 'old');
  return outside;
}

describe('what stands at a path', () => {
  const cases: [string, (yard: Yard, outside: string) => Promise<unknown>, string, RegExp][] = [
    [
      'is no link',
      (yard, outside) => symlink(join(outside, 'a'), yard.at('a')),
      'a',
      /is a symbolic link/,
    ],
    ['is no dangling link', (yard) => symlink('nowhere', yard.at('a')), 'a', /is a symbolic link/],
    [
      'is not behind a link',
      (yard, outside) => symlink(outside, yard.at('sub')),
      'sub/a',
      /on its way/,
    ],
    [
      'is not behind a link to inside, either',
      async (yard) => {
        await yard.put('real/a', 'old');
        await symlink('real', yard.at('sub'));
      },
      ...(['sub/a', /on its way/] as const),
    ],
    [
      'has no other name',
      (yard, outside) => link(join(outside, 'a'), yard.at('a')),
      'a',
      /hard link/,
    ],
    ['is no folder', (yard) => mkdir(yard.at('a')), 'a', /is a folder/],
    [
      'is not behind a file',
      (yard) => yard.put('sub', 'file'),
      'sub/a',
      /is a file, and no folder/,
    ],
    [
      'is no pipe',
      async (yard) => execFileSync('mkfifo', [yard.at('a')]),
      ...(['a', /no regular file/] as const),
    ],
  ];
  for (const [rule, make, path, told] of cases)
    test(rule, async () => {
      const yard = await newYard();
      const outside = await outsideOf(yard);
      await make(yard, outside);
      const before = [await snapshot(yard.root), await snapshot(outside)];
      for (const [base, text] of [
        ['old', 'new'],
        [null, 'new'],
        ['old', null],
      ] as const)
        await expect(yard.run([changeOf(path, base, text)])).rejects.toThrow(told);
      expect(await yard.open().workspace.look(path)).toMatchObject({ state: 'refused' });
      expect([await snapshot(yard.root), await snapshot(outside)]).toEqual(before);
    });

  test('does not lie in the data directory, whatever that is called', async () => {
    const yard = await newYard();
    await yard.put('records/a', 'old');
    const run = yard.run([changeOf('records/a', 'old', 'new')], { dataDir: yard.at('records') });
    await expect(run).rejects.toThrow('data directory of GIMO');
  });

  test('is reached where the workspace itself is opened through a link', async () => {
    const yard = await newYard();
    await yard.put('sub/a', 'old');
    await symlink(yard.root, join(yard.dir, 'alias'));
    await yard.run([changeOf('sub/a', 'old', 'new')], { root: join(yard.dir, 'alias') });
    expect(await yard.text('sub/a')).toBe('new');
  });
});

describe('whenever a folder on the way is exchanged', () => {
  /** @param exchange puts something else in the place of `sub`, which was moved away */
  const exchangedAt = async (
    moment: number,
    exchange: (outside: string, sub: string) => Promise<void>,
  ) => {
    const yard = await newYard();
    const outside = await outsideOf(yard);
    await yard.put('sub/a', 'old');
    await yard.put('sub/deep/b', 'old');
    await mkdir(join(outside, 'deep'));
    await writeFile(join(outside, 'deep', 'b'), 'old');
    const before = await snapshot(outside);
    const { disk, steps } = watchedDisk(async (n) => {
      if (n !== moment) return;
      await rename(yard.at('sub'), yard.at('moved'));
      await exchange(outside, yard.at('sub'));
    });
    const changes = [
      ...[changeOf('sub/a', 'old', 'new'), changeOf('sub/deep/b', 'old', null)],
      ...[changeOf('sub/c', null, 'made'), changeOf('sub/fresh/d', null, 'made')],
    ];
    const run = yard.run(changes, { disk });
    const failed = await run.then(
      () => false,
      () => true,
    );
    return { yard, outside, before, steps: steps(), failed };
  };
  const moments = async () => (await exchangedAt(0, async () => undefined)).steps;

  test('for a link, nothing at its other end changes', async () => {
    const all = await moments();
    expect(all).toBeGreaterThan(80);
    for (let moment = 1; moment <= all; moment += 1) {
      const { yard, outside, before, failed } = await exchangedAt(moment, symlink);
      expect(await snapshot(outside), `moment ${moment}`).toEqual(before);
      const left = Object.keys(await yard.look()).filter((name) => name.endsWith('.tmp'));
      expect(left, `moment ${moment}`).toEqual([]);
      // Only so near the end that no file is to be changed any more may it go unnoticed.
      if (moment < all - 10) expect(failed, `moment ${moment} of ${all}`).toBe(true);
    }
  });

  test('for another folder, nothing in that one changes', async () => {
    const all = await moments();
    // From the first look on; before it, the other folder is the one that is edited.
    for (let moment = 20; moment <= all; moment += 1) {
      const { yard, before, failed } = await exchangedAt(moment, rename);
      expect(await snapshot(yard.at('sub')), `moment ${moment}`).toEqual(before);
      if (moment < all - 10) expect(failed, `moment ${moment} of ${all}`).toBe(true);
    }
  });
});
