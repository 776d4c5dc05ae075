import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { opened, refusal, tempDir } from './support.ts';

describe('the store', () => {
  test('keeps itself out of the repository, and an own .gitignore as it is', async () => {
    const dir = await tempDir();
    await opened(dir);
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('*\n');
    await writeFile(join(dir, '.gitignore'), 'mine\n');
    await opened(dir);
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  test('sweeps what a dead writer left, and refuses a folder that is a link', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'ops/drafts'), { recursive: true });
    await writeFile(join(dir, `ops/drafts/.x.json.${2 ** 22 + 1}-0123456789ab.tmp`), 'half');
    await opened(dir);
    expect(await readdir(join(dir, 'ops/drafts'))).toEqual([]);
    const other = await tempDir();
    await mkdir(join(other, 'ops'));
    await symlink(join(dir, 'ops/drafts'), join(other, 'ops/drafts'));
    expect(GimoError.is(await refusal(opened(other)), 'storage_error')).toBe(true);
  });

  test('a document is null until it is written, and null when it cannot be parsed', async () => {
    const { store, path } = await opened(await tempDir());
    expect(await store.plan.read()).toBeNull();
    await store.plan.write({ id: 'p' });
    expect(await store.plan.read()).toEqual({ id: 'p' });
    await writeFile(path('', 'plan.json'), '{');
    expect(await store.plan.read()).toBeNull();
  });
});
