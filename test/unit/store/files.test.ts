import { mkdir, open, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { sweepTemps, writeAtomic } from '../../../src/store/atomic.ts';
import {
  ensureDir,
  ensureRealDir,
  readJson,
  readText,
  storageError,
} from '../../../src/store/files.ts';
import { refusal, tempDir } from './support.ts';

describe('writeAtomic', () => {
  test('replaces a file, leaves no temp file, and gives it the mode 0600', async () => {
    const dir = await tempDir();
    const path = join(dir, 'a.json');
    await writeAtomic(path, 'one');
    await writeAtomic(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['a.json']);
  });

  test('asks the fence when everything is written, right before the rename', async () => {
    const dir = await tempDir();
    const path = join(dir, 'a.json');
    await writeAtomic(path, 'old');
    let seen: { temps: string[] } | null = null;
    const fence = () => {
      seen = { temps: [] };
      throw new GimoError('not_writer', 'Lost.');
    };
    expect(GimoError.is(await refusal(writeAtomic(path, 'new', { fence })), 'not_writer')).toBe(
      true,
    );
    expect(seen).not.toBeNull();
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(dir)).toEqual(['a.json']);
  });

  test('a reader beside a writer sees whole contents only', async () => {
    const path = join(await tempDir(), 'a.json');
    const contents = ['a', 'b'].map((char) => JSON.stringify({ text: char.repeat(200_000) }));
    await writeAtomic(path, contents[0] ?? '');
    let done = false;
    const writing = (async () => {
      for (let n = 0; n < 30; n += 1) await writeAtomic(path, contents[n % 2] ?? '');
      done = true;
    })();
    while (!done) expect(contents).toContain(await readFile(path, 'utf8'));
    await writing;
  });

  test('a directory that is not there is told as storage_error', async () => {
    const path = join(await tempDir(), 'missing', 'a.json');
    const error = await refusal(writeAtomic(path, 'x'));
    expect(GimoError.is(error, 'storage_error') && String(error.message)).not.toContain('/');
  });
});

describe('errors of the file system', () => {
  test('a full disk is told as storage_full', async () => {
    const handle = await open('/dev/full', 'w');
    try {
      const cause = await refusal(handle.writeFile('x'));
      const error = storageError(cause, 'a record');
      expect(GimoError.is(error, 'storage_full') && error.cause).toBe(cause);
    } finally {
      await handle.close();
    }
  });

  test('a quota counts as full, everything else as storage_error, and what is no such error stays', () => {
    const coded = (code: string) => Object.assign(new Error(code), { code });
    expect(storageError(coded('EDQUOT'), 'x')).toMatchObject({ code: 'storage_full' });
    expect(storageError(coded('EIO'), 'x')).toMatchObject({ code: 'storage_error' });
    const bug = new TypeError('bug');
    expect(storageError(bug, 'x')).toBe(bug);
    const own = new GimoError('not_writer', 'x');
    expect(storageError(own, 'x')).toBe(own);
  });
});

describe('reading', () => {
  test('a link is not followed', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'real'), '{}');
    await symlink(join(dir, 'real'), join(dir, 'link'));
    expect(await readText(join(dir, 'real'))).toBe('{}');
    expect(await readText(join(dir, 'link'))).toBeNull();
  });

  test('what is missing, a folder, not UTF-8, too large or not JSON is null', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'latin'), Buffer.from([0x22, 0xe9, 0x22]));
    await writeFile(join(dir, 'torn'), '{"a":');
    expect(await readText(join(dir, 'missing'))).toBeNull();
    expect(await readText(dir)).toBeNull();
    expect(await readText(join(dir, 'latin'))).toBeNull();
    expect(await readText(join(dir, 'torn'), 2)).toBeNull();
    expect(await readJson(join(dir, 'torn'))).toBeNull();
  });

  test('a byte order mark, as some editors write it, is no part of the JSON', async () => {
    const path = join(await tempDir(), 'a.json');
    await writeFile(path, '\uFEFF{"a":1}');
    expect(await readJson(path)).toEqual({ a: 1 });
  });
});

test('folders are made with 0700, and a link in the place of one is refused', async () => {
  const dir = await tempDir();
  await ensureDir(join(dir, 'a', 'b'));
  expect((await stat(join(dir, 'a'))).mode & 0o777).toBe(0o700);
  await symlink(join(dir, 'a'), join(dir, 'link'));
  expect(GimoError.is(await refusal(ensureRealDir(join(dir, 'link'))), 'storage_error')).toBe(true);
});

test('temp files of dead writers are swept, those of live ones and other files are not', async () => {
  const dir = await tempDir();
  const hex = '0123456789ab';
  const dead = `.a.json.${2 ** 22 + 1}-${hex}.tmp`;
  const own = `.b.json.${process.pid}-${hex}.tmp`;
  const live = `.c.json.${process.ppid}-${hex}.tmp`;
  const forgotten = `.d.json.${process.ppid}-${hex}.tmp`;
  for (const name of [dead, own, live, forgotten, 'notes.tmp', 'a.json'])
    await writeFile(join(dir, name), '');
  const long = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(dir, forgotten), long, long);
  await mkdir(join(dir, 'sub'));
  expect(await sweepTemps(dir)).toBe(3);
  expect((await readdir(dir)).sort()).toEqual([live, 'a.json', 'notes.tmp', 'sub'].sort());
});
