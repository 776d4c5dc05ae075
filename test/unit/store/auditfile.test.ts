import {
  appendFile,
  readdir,
  readFile,
  rename,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { AuditFile } from '../../../src/core/ports.ts';
import { openAuditFile } from '../../../src/store/auditfile.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { open, openBelow, refusal, tempDir } from './support.ts';

async function linesOf(file: Pick<AuditFile, 'lines'>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of file.lines()) lines.push(line);
  return lines;
}

async function opened(root: string, more: { maxBytes?: number; fence?: () => void } = {}) {
  const dir = join(root, 'ops', 'audit');
  const ledger = await openLedger({ dir: join(root, 'ledger'), dataDir: root });
  const file = await openAuditFile({ dir, ledger, fence: open, ...more });
  onTestFinished(() => file.close());
  let seq = (await file.witnessed())?.seq ?? 0;
  const add = async (...lines: string[]) => {
    await file.append(lines, { seq: seq + lines.length, mac: 'm' });
    seq += lines.length;
  };
  const all = () => linesOf(file);
  const path = (first: number) => join(dir, `audit-${String(first).padStart(12, '0')}.jsonl`);
  return { file, ledger, dir, add, all, path };
}

describe('the audit file', () => {
  test('holds the lines in order, and the ledger their end, over a restart', async () => {
    const root = await tempDir();
    const first = await opened(root);
    expect([await first.file.lastLine(), await first.file.witnessed()]).toEqual([null, null]);
    await first.add('one', 'two');
    await first.add('three \u2028 ü');
    await first.file.close();
    const { file, all, add, path } = await opened(root);
    expect(await all()).toEqual(['one', 'two', 'three \u2028 ü']);
    expect(await file.lastLine()).toBe('three \u2028 ü');
    expect(await file.witnessed()).toEqual({ seq: 3, mac: 'm' });
    await add('four');
    expect(await file.lastLine()).toBe('four');
    expect((await stat(path(1))).mode & 0o777).toBe(0o600);
  });

  test('is never shown behind its own witness, also between the witness and the end of the append', async () => {
    const { file, ledger, dir } = await opened(await tempDir());
    await file.append(['one'], { seq: 1, mac: 'm' });
    await file.close();
    const written = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const head = {
      ...ledger.head,
      async write(next: Parameters<typeof ledger.head.write>[0]) {
        await ledger.head.write(next);
        written.resolve();
        await goOn.promise;
      },
    };
    const slow = await openAuditFile({ dir, ledger: { head }, fence: open });
    onTestFinished(() => slow.close());
    const appended = slow.append(['two'], { seq: 2, mac: 'm' });
    await written.promise;
    const witnessed = await slow.witnessed();
    expect([witnessed?.seq, await linesOf(slow)]).toEqual([1, ['one']]);
    goOn.resolve();
    await appended;
    expect([(await slow.witnessed())?.seq, await linesOf(slow)]).toEqual([2, ['one', 'two']]);
  });

  test('goes on in a new file, named after its first entry, when one is full', async () => {
    const root = await tempDir();
    const { add, all, dir } = await opened(root, { maxBytes: 20 });
    const lines = Array.from({ length: 9 }, (_, n) => `line ${n}`);
    for (const line of lines) await add(line);
    expect((await readdir(dir)).sort()).toEqual(
      ['000000000001', '000000000004', '000000000007'].map((seq) => `audit-${seq}.jsonl`),
    );
    expect(await all()).toEqual(lines);
    const again = await opened(root, { maxBytes: 20 });
    expect(await again.file.lastLine()).toBe('line 8');
  });

  test('long lines and many of them come back whole', async () => {
    const { add, all, file } = await opened(await tempDir());
    const lines = Array.from({ length: 40 }, (_, n) => `${n}${'ä'.repeat(n * 2500)}`);
    await add(...lines);
    expect(await all()).toEqual(lines);
    expect(await file.lastLine()).toBe(lines.at(-1));
  });

  test('appends that are made at once do not mix', async () => {
    const { file, all } = await opened(await tempDir());
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        file.append([`${n}a`, `${n}b`], { seq: 2 * n + 2, mac: 'm' }),
      ),
    );
    expect(await all()).toEqual(Array.from({ length: 20 }, (_, n) => [`${n}a`, `${n}b`]).flat());
  });

  test('a torn last line is cut off at the start, and kept in quarantine', async () => {
    const root = await tempDir();
    const first = await opened(root);
    await first.add('one');
    await first.file.close();
    await appendFile(first.path(1), '{"seq":2,"ts"');
    const { all, add } = await opened(root);
    expect(await all()).toEqual(['one']);
    await add('two');
    expect(await all()).toEqual(['one', 'two']);
    const quarantine = join(root, 'ops', 'quarantine');
    expect(await readFile(join(quarantine, 'audit-torn-line.txt'), 'utf8')).toBe('{"seq":2,"ts"');
  });

  test('leaves no file open when a torn last line cannot be kept', async () => {
    const root = await tempDir();
    const first = await opened(root);
    await first.add('one');
    await first.file.close();
    await appendFile(first.path(1), '{"seq":2,"ts"');
    await writeFile(join(root, 'ops', 'quarantine'), 'in the way');
    expect(GimoError.is(await refusal(opened(root)), 'storage_error')).toBe(true);
    expect((await openBelow(root)) ?? []).toEqual([]);
  });
});

describe('when it cannot be written', () => {
  test('a lost claim adds nothing', async () => {
    const root = await tempDir();
    let lost = false;
    const { add, all } = await opened(root, {
      fence: () => {
        if (lost) throw new GimoError('not_writer', 'Lost.');
      },
    });
    await add('one');
    lost = true;
    expect(GimoError.is(await refusal(add('two')), 'not_writer')).toBe(true);
    expect(await all()).toEqual(['one']);
  });

  test('an end that cannot be witnessed takes the lines back', async () => {
    const root = await tempDir();
    const dir = join(root, 'ops', 'audit');
    let full = true;
    const cause = Object.assign(new Error('full'), { code: 'ENOSPC' });
    const head = {
      read: async () => null,
      forget: () => undefined,
      write: async () => {
        if (full) throw cause;
      },
    };
    const file = await openAuditFile({ dir, ledger: { head }, fence: open });
    onTestFinished(() => file.close());
    const error = await refusal(file.append(['one', 'two'], { seq: 2, mac: 'm' }));
    expect(GimoError.is(error, 'storage_full')).toBe(true);
    expect(await linesOf(file)).toEqual([]);
    full = false;
    await file.append(['uno'], { seq: 1, mac: 'm' });
    expect(await linesOf(file)).toEqual(['uno']);
  });

  test('a folder that is gone is told as audit_unavailable, and works again when it is back', async () => {
    const root = await tempDir();
    const { add, all, dir } = await opened(root);
    await add('one');
    await rename(dir, `${dir}-away`);
    expect(GimoError.is(await refusal(add('two')), 'audit_unavailable')).toBe(true);
    await rename(`${dir}-away`, dir);
    await add('two');
    expect(await all()).toEqual(['one', 'two']);
  });
});

describe('when others touched the file that grows', () => {
  test('deleted: writing goes on in a new file, and the gap shows', async () => {
    const { add, all, dir, path } = await opened(await tempDir());
    await add('one');
    await unlink(path(1));
    await add('two');
    expect(await readdir(dir)).toEqual(['audit-000000000002.jsonl']);
    expect(await all()).toEqual(['two']);
  });

  test.each([
    ['cut', (path: string) => truncate(path, 2)],
    ['added to', (path: string) => appendFile(path, 'foreign')],
    [
      'replaced',
      async (path: string) => {
        await writeFile(`${path}.new`, 'new\n');
        await rename(`${path}.new`, path);
      },
    ],
  ])('%s: it is left as it was found, and writing goes on in a new file', async (_, touch) => {
    const { add, all, path } = await opened(await tempDir());
    await add('one');
    await touch(path(1));
    const left = await readFile(path(1), 'utf8');
    await add('two');
    expect(await readFile(path(1), 'utf8')).toBe(left);
    expect(await readFile(path(2), 'utf8')).toBe('two\n');
    expect((await all()).at(-1)).toBe('two');
  });

  test('a foreign line shows at once, not only after the next entry', async () => {
    const { add, all, path } = await opened(await tempDir());
    await add('one');
    await appendFile(path(1), 'foreign\n');
    expect(await all()).toEqual(['one', 'foreign']);
  });

  test('a file that has the name of the next one is moved to quarantine', async () => {
    const root = await tempDir();
    const { add, all, path } = await opened(root, { maxBytes: 1 });
    await add('one');
    await writeFile(path(2), 'planted\n');
    await add('two');
    expect(await all()).toEqual(['one', 'two']);
    expect(await readdir(join(root, 'ops', 'quarantine'))).toContain('audit-000000000002.jsonl');
  });
});
