import { appendFile, open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openAuditFile } from '../../../src/store/auditfile.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { linesOf } from '../../../src/store/tail.ts';
import { open, tempDir } from './support.ts';

/** An audit of ten lines in files of three. */
async function ten() {
  const root = await tempDir();
  const dir = join(root, 'audit');
  const ledger = await openLedger({ dir: join(root, 'ledger'), dataDir: root });
  const file = await openAuditFile({ dir, ledger, fence: open, maxBytes: 15 });
  onTestFinished(() => file.close());
  for (let seq = 1; seq <= 10; seq += 1) await file.append([`line ${seq}`], { seq, mac: 'm' });
  return { dir, file };
}

test('the tail is the last lines across files, oldest first, without a torn one', async () => {
  const { dir, file } = await ten();
  expect(await file.tail(1)).toEqual(['line 10']);
  expect(await file.tail(5)).toEqual([6, 7, 8, 9, 10].map((n) => `line ${n}`));
  expect(await file.tail(100)).toHaveLength(10);
  await appendFile(join(dir, 'audit-000000000010.jsonl'), 'torn');
  expect(await file.tail(2)).toEqual(['line 9', 'line 10']);
});

test('reading from an entry on opens no file that ends before it', async () => {
  const { file } = await ten();
  const from = async (seq: number) => {
    const lines: string[] = [];
    for await (const line of file.lines(seq)) lines.push(line);
    return lines;
  };
  expect(await from(0)).toHaveLength(10);
  expect(await from(7)).toEqual(['line 7', 'line 8', 'line 9', 'line 10']);
  expect(await from(8)).toEqual(['line 7', 'line 8', 'line 9', 'line 10']);
  expect(await from(99)).toEqual(['line 10']);
});

test('of a file without a line end no more than the beginning is kept', async () => {
  const path = join(await tempDir(), 'long');
  const handle = await openFile(path, 'w+');
  onTestFinished(() => handle.close());
  await handle.truncate(32 * 2 ** 20);
  await handle.write('\nlast\n', 32 * 2 ** 20);
  const lengths: number[] = [];
  for await (const line of linesOf(handle, 32 * 2 ** 20 + 6)) lengths.push(line.length);
  expect(lengths).toHaveLength(2);
  expect(lengths[0]).toBeLessThanOrEqual(2 * 2 ** 20);
  expect(lengths[1]).toBe(4);
});
