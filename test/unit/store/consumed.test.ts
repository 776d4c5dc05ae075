import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { createConsumed } from '../../../src/store/consumed.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { tempDir } from './support.ts';

const spent = (n: number) => ({ id: `a_${n}_abcdef`, run_id: `r_${n}_abcdef` });

test('a spent approval is known to whoever opens the ledger later, in a file of its own', async () => {
  const dir = await tempDir();
  const ledger = await openLedger({ dir, dataDir: '/data' });
  await Promise.all([1, 2, 3].map((n) => ledger.consumed.note(spent(n))));
  expect(await ledger.consumed.all()).toEqual([spent(1), spent(2), spent(3)]);
  const again = await openLedger({ dir, dataDir: '/data' });
  expect(await again.consumed.all()).toEqual([spent(1), spent(2), spent(3)]);
  expect(await again.decided.all()).toEqual([]);
  expect((await readFile(join(dir, 'consumed.jsonl'), 'utf8')).split('\n')).toHaveLength(4);
});

test('what another holder of the claim noted is known once the claim is ours again', async () => {
  const dir = await tempDir();
  const [first, second] = await Promise.all(
    [1, 2].map(() => openLedger({ dir, dataDir: '/data' })),
  );
  expect(await first?.consumed.all()).toEqual([]);
  await second?.consumed.note(spent(1));
  first?.setFence(() => undefined);
  expect(await first?.consumed.all()).toEqual([spent(1)]);
});

test('half a line at the end is nothing spent, and a file that cannot be read is not empty', async () => {
  const path = join(await tempDir(), 'consumed.jsonl');
  const open = () => createConsumed(path, () => undefined);
  await open().note(spent(1));
  await appendFile(path, '{"id":"a_2_ab');
  expect(await open().all()).toEqual([spent(1)]);
  await writeFile(path, '{"id":"a_2_abcdef"}\n');
  await expect(open().all()).rejects.toMatchObject({ code: 'storage_error' });
  await expect(open().note(spent(3))).rejects.toMatchObject({ code: 'storage_error' });
});

test('nothing is noted once the claim is lost', async () => {
  const ledger = await openLedger({ dir: await tempDir(), dataDir: '/data' });
  ledger.setFence(() => {
    throw new GimoError('not_writer', 'Lost.');
  });
  await expect(ledger.consumed.note(spent(1))).rejects.toMatchObject({ code: 'not_writer' });
  expect(await ledger.consumed.all()).toEqual([]);
});
