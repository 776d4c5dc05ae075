import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placesOf } from '../../../src/http/places.ts';

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'gimo-places-')));

test('a workspace is a folder, by any way that leads there', () => {
  mkdirSync(join(dir, 'app'));
  symlinkSync(join(dir, 'app'), join(dir, 'link'));
  expect(placesOf({ root: join(dir, 'link'), env: {} }).root).toBe(join(dir, 'app'));
});

test('a file, or nothing, is refused by its name', () => {
  const file = join(dir, 'README.md');
  writeFileSync(file, '');
  expect(() => placesOf({ root: file, env: {} })).toThrow(`"${file}" is a file. Name a folder.`);
  const gone = join(dir, 'gone');
  expect(() => placesOf({ root: gone, env: {} })).toThrow(`There is no folder "${gone}".`);
});
