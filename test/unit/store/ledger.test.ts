import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { RunEntry } from '../../../src/core/ledger-ports.ts';
import { sweepTemps } from '../../../src/store/atomic.ts';
import {
  deleteCliToken,
  readCliToken,
  readServer,
  writeCliToken,
  writeServer,
} from '../../../src/store/discovery.ts';
import { ensureKey } from '../../../src/store/keys.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { readLedgerMac } from '../../../src/store/proof.ts';
import { fileVault } from '../../../src/store/vault.ts';
import { refusal, runId, tempDir } from './support.ts';

const opened = (dir: string) => openLedger({ dir, dataDir: '/data' });

const entryOf = (n: number, fields: Partial<RunEntry> = {}): RunEntry => ({
  id: runId(n),
  approved_id: 'a_1_abcdef',
  digest: 'd',
  status: 'pending',
  steps: [
    { id: 's', kind: 'gate', status: 'waiting', started_at: null, finished_at: null, result: null },
  ],
  created_at: '2026-11-23T03:04:00Z',
  started_at: null,
  finished_at: null,
  error: null,
  actor: 'admin:0',
  attempt: 0,
  cancel_requested: false,
  ...fields,
});

async function modes(dir: string): Promise<Record<string, string>> {
  const names = ['', ...(await readdir(dir, { recursive: true }))];
  const found = names.map(async (name) => {
    const { mode } = await stat(join(dir, name));
    return [name, (mode & 0o777).toString(8)] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

test('what a write that was cut off left of a secret is swept', async () => {
  const dir = await tempDir();
  await fileVault(dir).set({ 'token.admin': 'a-token-for-tests' });
  const secrets = join(dir, 'secrets');
  // No process has an id like that.
  await writeFile(join(secrets, '.s_token.admin.secret.4194999-0123456789ab.tmp'), 'a-tok');
  await opened(dir);
  expect(await readdir(secrets)).toEqual(['s_token.admin.secret']);
});

describe('the key', () => {
  test('of many that open a new ledger at once, all have one key', async () => {
    const dir = join(await tempDir(), 'ledger');
    const ledgers = await Promise.all(Array.from({ length: 12 }, () => opened(dir)));
    expect(new Set(ledgers.map(({ keyId }) => keyId)).size).toBe(1);
    expect(new Set(ledgers.map(({ mac }) => mac('seal', 'x'))).size).toBe(1);
    expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('is made whole while the same process sweeps its folder', async () => {
    const dir = await tempDir();
    let made = false;
    const sweeping = async () => {
      while (!made) await sweepTemps(dir);
    };
    const making = ensureKey(dir).finally(() => {
      made = true;
    });
    const [key] = await Promise.all([making, sweeping()]);
    expect(await ensureKey(dir)).toEqual(key);
    expect(await readdir(dir)).toEqual(['key.json']);
  });

  test('stays over a restart, and is another one for each purpose', async () => {
    const dir = await tempDir();
    const first = await opened(dir);
    const again = await opened(dir);
    const purposes = ['seal', 'audit', 'proof', 'attach'] as const;
    const macs = purposes.map((purpose) => first.mac(purpose, 'x'));
    expect(new Set(macs).size).toBe(4);
    expect(purposes.map((purpose) => again.mac(purpose, 'x'))).toEqual(macs);
    for (const mac of macs) expect(mac).toMatch(/^[0-9a-f]{64}$/);
    const client = await readLedgerMac(dir);
    expect(client?.('proof', 'x')).toBe(first.mac('proof', 'x'));
  });

  test('a key that cannot be read is not replaced', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'key.json'), '{"key_id":');
    expect(GimoError.is(await refusal(opened(dir)), 'storage_error')).toBe(true);
    expect(await readFile(join(dir, 'key.json'), 'utf8')).toBe('{"key_id":');
  });
});

describe('the entries of runs', () => {
  test('come back oldest first, over a restart, and cannot be changed from outside', async () => {
    const dir = await tempDir();
    const ledger = await opened(dir);
    for (const n of [2, 1, 3]) await ledger.runs.put(entryOf(n));
    await ledger.runs.put(entryOf(1, { status: 'running', attempt: 1 }));
    await ledger.runs.remove(runId(3));
    const expected = [entryOf(1, { status: 'running', attempt: 1 }), entryOf(2)];
    expect(await ledger.runs.all()).toEqual(expected);
    const found = await ledger.runs.get(runId(2));
    found?.steps.splice(0);
    expect(await ledger.runs.get(runId(2))).toEqual(entryOf(2));
    expect(await (await opened(dir)).runs.all()).toEqual(expected);
    expect(await ledger.runs.get('../key')).toBeNull();
  });

  test('of runs that are over keep their results on disk and not in memory', async () => {
    const dir = await tempDir();
    const result = { text: 'x'.repeat(1000) };
    const steps = entryOf(1).steps.map((step) => ({ ...step, result }));
    const log = { entries: 1, sha256: 'a'.repeat(64) };
    const [live, over] = [entryOf(1, { steps }), entryOf(1, { steps, status: 'done', log })];
    const ledger = await opened(dir);
    await ledger.runs.put(live);
    expect(await ledger.runs.glance(runId(1))).toEqual(live);
    await ledger.runs.put(over);
    for (const { runs } of [ledger, await opened(dir)]) {
      expect(await runs.get(runId(1))).toEqual(over);
      const brief = { ...over, steps: entryOf(1).steps };
      expect([await runs.glance(runId(1)), await runs.all()]).toEqual([brief, [brief]]);
    }
    expect(await ledger.runs.glance(runId(2))).toBeNull();
  });

  test('keep what a run needs to be paused and to be settled after a crash', async () => {
    const dir = await tempDir();
    const fields = { pause_requested: true, ran_ms: 12.5, trace: { pid: 7, args: ['a', null] } };
    await (await opened(dir)).runs.put(entryOf(1, fields));
    expect(await (await opened(dir)).runs.get(runId(1))).toEqual(entryOf(1, fields));
    await (await opened(dir)).runs.put(entryOf(1));
    expect(await (await opened(dir)).runs.get(runId(1))).toEqual(entryOf(1));
  });

  test('one that cannot be read is moved aside and the others stand', async () => {
    const dir = await tempDir();
    const ledger = await opened(dir);
    await ledger.runs.put(entryOf(1));
    await writeFile(join(dir, 'runs', `${runId(2)}.json`), '{"id":');
    const again = await opened(dir);
    expect(await again.runs.all()).toEqual([entryOf(1)]);
    expect(await readdir(join(dir, 'quarantine'))).toContain(`${runId(2)}.json`);
  });
});

describe('the ledger', () => {
  test('nothing in it can be read by others', async () => {
    const dir = join(await tempDir(), 'ledger');
    const ledger = await opened(dir);
    await ledger.runs.put(entryOf(1));
    await ledger.config.write({});
    await ledger.rememberToken('admin', 'a'.repeat(64));
    await ledger.head.write({ seq: 1, mac: 'm' });
    await fileVault(dir).set({ 'token.admin': 'x' });
    await writeCliToken(dir, 'x');
    for (const [name, mode] of Object.entries(await modes(dir)))
      expect([name, mode]).toEqual([name, (await stat(join(dir, name))).isFile() ? '600' : '700']);
  });

  test('keeps what was accepted, and null until something was', async () => {
    const dir = await tempDir();
    const ledger = await opened(dir);
    expect(await ledger.config.read()).toBeNull();
    await ledger.config.write({ a: 1 });
    await ledger.provider.write({ b: 2 });
    const again = await opened(dir);
    expect([await again.config.read(), await again.provider.read()]).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test('knows every token that ever was, also those another holder added meanwhile', async () => {
    const dir = await tempDir();
    const [first, second] = [await opened(dir), await opened(dir)];
    await first.rememberToken('admin', 'a');
    await second.rememberToken('operator', 'b');
    await Promise.all([second.rememberToken('actions', 'c'), second.rememberToken('agent', 'd')]);
    const again = await opened(dir);
    expect(['a', 'b', 'c', 'd', 'e'].map(again.knewToken)).toEqual([true, true, true, true, false]);
  });

  test('opens although its token hashes cannot be read', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'tokens.json'), '[]');
    const ledger = await opened(dir);
    expect(ledger.knewToken('a')).toBe(false);
    await ledger.rememberToken('admin', 'a');
    expect((await opened(dir)).knewToken('a')).toBe(true);
  });

  test('is not written once the claim is lost', async () => {
    const ledger = await opened(await tempDir());
    ledger.setFence(() => {
      throw new GimoError('not_writer', 'Lost.');
    });
    for (const act of [
      () => ledger.runs.put(entryOf(1)),
      () => ledger.config.write({}),
      () => ledger.rememberToken('admin', 'a'),
    ])
      expect(GimoError.is(await refusal(act()), 'not_writer')).toBe(true);
    expect(await ledger.runs.all()).toEqual([]);
    expect(ledger.knewToken('a')).toBe(false);
  });
});

describe('the end of the audit chain', () => {
  const head = (seq: number) => ({ seq, mac: String(seq).padStart(64, '0') });

  test('is the last that was written, over a restart too', async () => {
    const dir = await tempDir();
    const ledger = await opened(dir);
    expect(await ledger.head.read()).toBeNull();
    for (let seq = 1; seq <= 5; seq += 1) {
      await ledger.head.write(head(seq));
      expect(await ledger.head.read()).toEqual(head(seq));
      const again = await opened(dir);
      expect(await again.head.read()).toEqual(head(seq));
    }
    expect((await stat(join(dir, 'audit-head'))).size).toBe(512);
  });

  test('a torn write costs one slot: the end before it is still witnessed, and writing goes on', async () => {
    const dir = await tempDir();
    const path = join(dir, 'audit-head');
    for (let seq = 1; seq <= 4; seq += 1) {
      const ledger = await opened(dir);
      await ledger.head.write(head(seq));
      const before = await readFile(path);
      await (await opened(dir)).head.write(head(seq + 1));
      const after = await readFile(path);
      // Half of the bytes that the write changed have arrived.
      const at = before.length < after.length ? before.length : firstChange(before, after);
      const torn = Buffer.concat([after.subarray(0, at + 40), before.subarray(at + 40)]);
      await writeFile(path, torn);
      const again = await opened(dir);
      expect(await again.head.read()).toEqual(head(seq));
      await again.head.write(head(seq + 1));
      expect(await again.head.read()).toEqual(head(seq + 1));
    }
  });

  test('a head that was not made with the key is not believed', async () => {
    const dir = await tempDir();
    const ledger = await opened(dir);
    await ledger.head.write(head(1));
    await ledger.head.write(head(2));
    const text = await readFile(join(dir, 'audit-head'), 'utf8');
    await writeFile(join(dir, 'audit-head'), text.replace('"seq":2', '"seq":9'));
    expect(await ledger.head.read()).toEqual(head(1));
  });

  function firstChange(a: Buffer, b: Buffer): number {
    return b.findIndex((byte, at) => byte !== a[at]);
  }
});

describe('secrets in files', () => {
  test('are kept by name to the byte, and are gone when deleted', async () => {
    const dir = await tempDir();
    const vault = fileVault(dir);
    expect(await vault.get('token.admin')).toBeUndefined();
    await vault.set({ 'token.admin': ' a\nb ' });
    expect(await fileVault(dir).get('token.admin')).toBe(' a\nb ');
    await vault.delete('token.admin');
    await vault.delete('token.admin');
    expect(await vault.get('token.admin')).toBeUndefined();
  });

  test('no two names share a file, not even where case is folded, and none leaves the folder', async () => {
    const dir = await tempDir();
    const vault = fileVault(dir);
    const names = [
      'a',
      'A',
      'a.',
      '.',
      '..',
      '',
      '../x',
      'a/b',
      'a%2fb',
      'con',
      'ä',
      'a\0b',
    ].concat('x'.repeat(300), 'X'.repeat(300), 'x'.repeat(200), 'x'.repeat(201));
    for (const name of names) await vault.set({ [name]: `of ${name}` });
    for (const name of names) expect(await vault.get(name)).toBe(`of ${name}`);
    const files = await readdir(join(dir, 'secrets'));
    expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length);
    expect(await readdir(dir)).toEqual(['secrets']);
    for (const file of files)
      expect((await stat(join(dir, 'secrets', file))).mode & 0o777).toBe(0o600);
  });
});

describe('finding the server', () => {
  const info = {
    url: 'http://127.0.0.1:9325',
    pid: 1,
    epoch: 1,
    started_at: '2026-11-23T03:04:00Z',
    hosted_by: 'headless' as const,
    version: '0.1.0',
    stopped: false,
  };

  test('reading creates nothing', async () => {
    const dir = join(await tempDir(), 'ledger');
    expect(await readServer(dir)).toBeNull();
    expect(await readCliToken(dir)).toBeNull();
    expect(await readLedgerMac(dir)).toBeNull();
    expect(existsSync(dir)).toBe(false);
  });

  test('what was noted is read, what is torn is null, and a token can be taken back', async () => {
    const dir = join(await tempDir(), 'ledger');
    await writeServer(dir, info);
    await writeCliToken(dir, 'tok');
    expect(await readServer(dir)).toEqual(info);
    expect(await readCliToken(dir)).toBe('tok');
    await writeFile(join(dir, 'server.json'), '{"url":');
    await deleteCliToken(dir);
    expect(await readServer(dir)).toBeNull();
    expect(await readCliToken(dir)).toBeNull();
  });

  test('a server that lost its claim does not overwrite the note of its successor', async () => {
    const dir = join(await tempDir(), 'ledger');
    await writeServer(dir, info);
    const fence = () => {
      throw new GimoError('not_writer', 'Lost.');
    };
    await refusal(writeServer(dir, { ...info, stopped: true }, fence));
    expect(await readServer(dir)).toEqual(info);
  });
});
