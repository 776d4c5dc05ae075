import { link, mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSnapshots } from '../../../src/store/snapshots.ts';
import { tempDir } from './support.ts';

async function open240() {
  const dir = join(await tempDir(), 'snapshots');
  const clock = { time: 1_800_000_000_000, now: () => clock.time };
  const snapshots = createSnapshots({ dir, ttl: 240, clock, fence() {} });
  return { dir, clock, snapshots };
}
const only = async (dir: string) => join(dir, (await readdir(dir))[0] ?? '');

describe('snapshots', () => {
  it('make no folder before the first is kept, and are readable by the user alone', async () => {
    const { dir, snapshots } = await open240();
    expect(await snapshots.cleanSnapshots()).toBe(0);
    await expect(stat(dir)).rejects.toThrow();
    await snapshots.keep('k', 'v1', 'text');
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(await only(dir))).mode & 0o777).toBe(0o600);
  });

  it('are found by their key for 240 seconds', async () => {
    const { clock, snapshots } = await open240();
    await snapshots.keep('k', 'v1', 'text');
    clock.time += 240_000;
    expect(snapshots.identityOf('k')).toBe('v1');
    expect(await snapshots.read('k')).toBe('text');
    expect(snapshots.identityOf('other')).toBeNull();
    clock.time += 1;
    expect(snapshots.identityOf('k')).toBeNull();
  });

  it('are overwritten before they are unlinked, when their time is over', async () => {
    const { dir, clock, snapshots } = await open240();
    const text = 'secret '.repeat(20_000);
    await snapshots.keep('k', 'v1', text);
    // A handle sees what the file holds after it has lost its name.
    const handle = await open(await only(dir), 'r');
    clock.time += 240_001;
    expect(await snapshots.cleanSnapshots()).toBe(1);
    expect(await readdir(dir)).toEqual([]);
    const bytes = await handle.readFile();
    await handle.close();
    expect(bytes.length).toBe(text.length);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('of an earlier process, or a clock that was set back, are cleaned up too', async () => {
    const first = await open240();
    await first.snapshots.keep('k', 'v1', 'text');
    await writeFile(join(first.dir, 's_9800000000000_0123456789abcdef.txt'), 'text');
    const clock = { now: () => first.clock.time + 241_000 };
    const next = createSnapshots({ dir: first.dir, ttl: 240, clock, fence() {} });
    expect(await next.cleanSnapshots()).toBe(2);
  });

  it('leave alone what is not theirs, and what a link or another name leads to', async () => {
    const { dir, clock, snapshots } = await open240();
    const mine = join(dir, '..', 'mine.txt');
    await mkdir(dir);
    await writeFile(mine, 'mine');
    await writeFile(join(dir, 'notes.txt'), 'notes');
    await symlink(mine, join(dir, 's_1_0123456789abcdef.txt'));
    await link(mine, join(dir, 's_2_0123456789abcdef.txt'));
    await mkdir(join(dir, 's_3_0123456789abcdef.txt'));
    clock.time += 1;
    expect(await snapshots.cleanSnapshots()).toBe(2);
    expect(await readFile(mine, 'utf8')).toBe('mine');
    expect((await readdir(dir)).sort()).toEqual(['notes.txt', 's_3_0123456789abcdef.txt']);
  });

  it('make room for new ones when they hold more than 128 MiB', async () => {
    const { dir, snapshots } = await open240();
    const text = 'x'.repeat(30 * 2 ** 20);
    for (let n = 0; n < 6; n += 1) await snapshots.keep(`k${n}`, 'v', text);
    expect(await readdir(dir)).toHaveLength(4);
    expect(snapshots.identityOf('k1')).toBeNull();
    expect(snapshots.identityOf('k2')).toBe('v');
  });

  it('are not written when the claim was lost', async () => {
    const dir = join(await tempDir(), 'snapshots');
    const fence = () => {
      throw new Error('lost');
    };
    const snapshots = createSnapshots({ dir, ttl: 240, clock: { now: () => 1 }, fence });
    await expect(snapshots.keep('k', 'v', 'text')).rejects.toThrow('lost');
    await expect(stat(dir)).rejects.toThrow();
  });
});
