import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openWatchedDocument } from '../../../src/store/documents.ts';
import { open, tempDir } from './support.ts';

test('a document is written over the file that was seen, and never over another', async () => {
  const dir = await tempDir();
  const path = join(dir, 'config.json');
  const document = openWatchedDocument(path, open);
  await document.write({ n: 1 });
  expect(await document.writeOver(document.stamp(), { n: 2 })).toBe(true);
  expect(await document.read()).toEqual({ n: 2 });
  const seen = document.stamp();
  await writeFile(path, 'by hand');
  expect(await document.writeOver(seen, { n: 3 })).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('by hand');
  expect(await readdir(dir)).toEqual(['config.json']);
});

test('nor where there was none, or is none any more', async () => {
  const path = join(await tempDir(), 'config.json');
  const document = openWatchedDocument(path, open);
  const none = document.stamp();
  await writeFile(path, 'by hand');
  expect(await document.writeOver(none, {})).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('by hand');
});
