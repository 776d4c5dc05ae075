import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Decision } from '../../../src/core/ledger-ports.ts';
import { createDecided } from '../../../src/store/decided.ts';

async function newFile() {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-decided-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'decided.jsonl');
}
const open = (path: string) => createDecided(path, () => undefined);
const rejected = (n: number): Decision => ({
  ...{ id: `d_${n}_abcdef`, status: 'rejected', approved_id: null },
});

test('a decision is known to the next reader, until its draft is gone', async () => {
  const path = await newFile();
  const decided = open(path);
  await decided.note(rejected(1));
  await decided.note({ id: 'd_2_abcdef', status: 'approved', approved_id: 'a_2_abcdef' });
  expect(await open(path).all()).toEqual([
    rejected(1),
    { id: 'd_2_abcdef', status: 'approved', approved_id: 'a_2_abcdef' },
  ]);
  await decided.drop(['d_2_abcdef', 'd_3_abcdef']);
  expect(await decided.all()).toEqual([rejected(1)]);
  expect(await open(path).all()).toEqual([rejected(1)]);
});

test('half a line at the end is no decision, and does not spoil the next one', async () => {
  const path = await newFile();
  await open(path).note(rejected(1));
  await appendFile(path, '{"id":"d_2_ab');
  const later = open(path);
  expect(await later.all()).toEqual([rejected(1)]);
  await later.note(rejected(3));
  expect(await open(path).all()).toEqual([rejected(1), rejected(3)]);
});

test('a file that cannot be read does not count as empty', async () => {
  const path = await newFile();
  await writeFile(path, 'something else\n');
  await expect(open(path).all()).rejects.toMatchObject({ code: 'storage_error' });
  await writeFile(path, Buffer.from([0xff, 0xfe, 0x0a]));
  await expect(open(path).all()).rejects.toMatchObject({ code: 'storage_error' });
});

test('a file that is mostly past is written anew', async () => {
  const path = await newFile();
  const decided = open(path);
  await decided.note(rejected(0));
  for (let n = 1; n <= 510; n++) {
    await decided.note(rejected(n));
    await decided.drop([rejected(n).id]);
  }
  expect((await readFile(path, 'utf8')).split('\n').length).toBeLessThan(1_000);
  expect(await open(path).all()).toEqual([rejected(0)]);
});
