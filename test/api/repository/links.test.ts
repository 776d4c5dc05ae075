import { rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startServer } from '../harness.ts';
import { expectError } from '../wire/support.ts';
import { allow, ask, writeFiles } from './support.ts';

describe('links', () => {
  it('that lead out are refused, whether or not there is something at the other end', async () => {
    const other = await startServer();
    await writeFiles(other.dir, { 'outside/secret.txt': 'MARKED-OUTSIDE' });
    await writeFiles(other.root, { 'src/a.txt': 'a', 'notes/n.txt': 'MARKED-NOTES' });
    await allow(other, 'src');
    const to = (name: string, target: string) => symlink(target, join(other.root, 'src', name));
    await to('out.txt', join(other.dir, 'outside/secret.txt'));
    await to('gone.txt', join(other.dir, 'outside/nothing.txt'));
    await to('folder', join(other.dir, 'outside'));
    await to('around', '../notes');
    await to('round', 'round');
    const paths = [
      'out.txt',
      'gone.txt',
      'folder/secret.txt',
      'folder/no',
      'around/n.txt',
      'round',
    ];
    for (const path of paths)
      expectError(await ask(other, '/file', { path: `src/${path}` }), 'path_refused');
    for (const path of ['folder', 'around'])
      expectError(await ask(other, '/tree', { path: `src/${path}` }), 'path_refused');
    expect((await ask(other, '/tree')).body).toEqual({ files: ['src/a.txt'], truncated: false });
    expect(Object((await ask(other, '/search', { q: 'marked' })).body).results).toEqual([]);
  });

  it('that stay inside lead where an entry covers them', async () => {
    const other = await startServer();
    await writeFiles(other.root, { 'src/a.txt': 'a' });
    await symlink('a.txt', join(other.root, 'src/b.txt'));
    await allow(other, 'src');
    expect((await ask(other, '/file', { path: 'src/b.txt' })).text).toBe('a');
  });

  it('swapped in while files are read never show what lies outside', async () => {
    const other = await startServer();
    await writeFiles(other.dir, { 'outside/a.txt': 'MARKED-OUTSIDE' });
    await writeFiles(other.root, { 'src/in/a.txt': 'inside' });
    await allow(other, 'src');
    const folder = join(other.root, 'src/in');
    const aside = join(other.root, 'src/aside');
    let reading = true;
    const swapping = (async () => {
      let swaps = 0;
      for (; reading; swaps += 1) {
        await rename(folder, aside);
        await symlink(join(other.dir, 'outside'), folder);
        await unlink(folder);
        await rename(aside, folder);
      }
      return swaps;
    })();
    for (let n = 0; n < 150; n += 1) {
      const replies = await Promise.all([
        ask(other, '/file', { path: 'src/in/a.txt' }),
        ask(other, '/search', { q: 'marked' }),
      ]);
      for (const { status, text } of replies) {
        expect(status).toBeLessThan(500);
        expect(text).not.toContain('MARKED-OUTSIDE');
      }
    }
    reading = false;
    expect(await swapping).toBeGreaterThan(0);
  });
});
