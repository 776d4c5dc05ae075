import { mkdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type Disk, realDisk } from '../../../src/execution/disk.ts';
import { newYard, sha } from './edits.ts';

describe('a look at a file', () => {
  test('lets others have their turn while a large file is hashed', async () => {
    const yard = await newYard();
    const large = Buffer.alloc(20 * 2 ** 20, 'a');
    await yard.put('large', large);
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    const disk: Disk = {
      ...realDisk,
      async read(path) {
        const found = await realDisk.read(path);
        setImmediate(count);
        return found;
      },
      async openFolder(path) {
        const folder = await realDisk.openFolder(path);
        const close = () => {
          over = true;
          return folder.close();
        };
        return { ...folder, close };
      },
    };
    const found = await yard.open({ disk }).workspace.look('large');
    expect(found).toMatchObject({ state: 'file', sha256: sha(large) });
    expect(turns).toBeGreaterThanOrEqual(19);
  });

  test('holds one file in memory at a time', async () => {
    const yard = await newYard();
    for (const path of ['a', 'b', 'c']) await yard.put(path, path);
    let [open, most] = [0, 0];
    const disk: Disk = {
      ...realDisk,
      async read(path) {
        open += 1;
        most = Math.max(most, open);
        const found = await realDisk.read(path);
        open -= 1;
        return found;
      },
    };
    const { workspace } = yard.open({ disk });
    await Promise.all(['a', 'b', 'c'].map((path) => workspace.look(path)));
    expect(most).toBe(1);
  });

  test('tells what a change would replace', async () => {
    const yard = await newYard();
    const { workspace } = yard.open();
    await yard.put('a', '\uFEFFmark\r\n');
    const large = Buffer.alloc(5 * 2 ** 20 + 1, 'a');
    await yard.put('large', large);
    await mkdir(yard.at('folder'));
    expect(await workspace.look('a')).toEqual({
      ...{ state: 'file', sha256: sha('\uFEFFmark\r\n'), bytes: 9, text: '\uFEFFmark\r\n' },
    });
    expect(await workspace.look('large')).toEqual({
      state: 'file',
      sha256: sha(large),
      bytes: large.length,
      text: null,
    });
    expect(await workspace.look('none')).toEqual({ state: 'missing' });
    expect(await workspace.look('no/folder/here')).toEqual({ state: 'missing' });
    for (const path of ['folder', 'a/b', '../x', '/etc/passwd', '', 'x'.repeat(300)])
      expect(await workspace.look(path), path).toMatchObject({ state: 'refused' });
  });
});
