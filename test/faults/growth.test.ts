import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEvents } from '../../src/core/events.ts';
import { claimDataDir } from '../../src/store/claim.ts';
import { createConsumed } from '../../src/store/consumed.ts';
import { createDecided } from '../../src/store/decided.ts';
import { createIdempotencyEntries } from '../../src/store/idempotency.ts';
import { createQuarantine } from '../../src/store/quarantine.ts';
import { createRecordCache } from '../../src/store/record-cache.ts';
import { openStore } from '../../src/store/store.ts';
import { startServer } from '../api/harness.ts';
import { newDraft } from '../api/wire/support.ts';
import { draftId, draftOf } from '../unit/store/support.ts';
import { failing, prepareDisks, under } from './bad-disk.ts';

/*
 * Nothing grows without bound. What is kept for ever, and why: the audit (it is the proof, and each file is closed at
 * 5 MiB), spent approvals (a line each, or one could be spent twice), hashes of tokens (one a rotation), and what lies
 * in quarantine (nobody's work is deleted).
 */

const open = () => undefined;
const logger = { log: open };
async function tempDir() {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-growth-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
const linesIn = async (path: string) => (await readFile(path, 'utf8')).split('\n').length - 1;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
function memory() {
  if (typeof collect === 'function') for (let n = 0; n < 3; n += 1) collect();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, used: heapUsed + arrayBuffers };
}
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

describe('memory', () => {
  const records = 100_000;

  it('with 100,000 records holds their names and states, and only so many records as fit into a fixed room', async () => {
    const dataDir = await tempDir();
    const drafts = join(dataDir, 'ops', 'drafts');
    mkdirSync(drafts, { recursive: true });
    const content = 'x'.repeat(2_000);
    for (let n = 0; n < records; n += 1)
      writeFileSync(join(drafts, `${draftId(n)}.json`), JSON.stringify(draftOf(n, { content })));
    const before = memory();
    const store = await openStore({ dataDir, fence: open, logger });
    onTestFinished(() => store.close());
    expect(await store.drafts.counts()).toEqual({ draft: records });
    const indexed = memory();
    let at: string | null = null;
    let seen = 0;
    do {
      const page: Awaited<ReturnType<typeof store.drafts.list>> = await store.drafts.list({
        limit: 1000,
        ...(at === null ? {} : { before: at }),
      });
      expect(page.total).toBe(records);
      seen += page.records.length;
      at = page.next;
    } while (at !== null);
    expect(seen).toBe(records);
    const listed = memory();
    console.info(
      `100,000 records: ${mib(before.rss)} before, ${mib(indexed.rss)} indexed, ${mib(listed.rss)} after all pages; ` +
        `in use ${mib(before.used)}, ${mib(indexed.used)}, ${mib(listed.used)}, ` +
        `so ${Math.round((listed.used - before.used) / records)} bytes a record`,
    );
    // All of them would be 200 MiB of content alone: what is held does not grow with what is looked at.
    expect(listed.used - before.used).toBeLessThan(150 * 2 ** 20);
    expect(listed.used - indexed.used).toBeLessThan(20 * 2 ** 20);
  });

  it('of parsed records is bounded by the size of their files, the least used go first', () => {
    const cache = createRecordCache<number>(1_000_000);
    const stamp = (n: number, size = 1_000) => ({ ino: n, ctimeMs: 1, size });
    for (let n = 0; n < 100_000; n += 1) {
      cache.set(String(n), stamp(n), n);
      cache.get('0', stamp(0));
    }
    const held = Array.from({ length: 100_000 }, (_, n) => cache.get(String(n), stamp(n)));
    expect(held.filter((one) => one !== undefined).length).toBeLessThanOrEqual(1_000);
    expect(held[0]).toBe(0);
    cache.set('huge', stamp(-1, 500_000), 1);
    expect(cache.get('huge', stamp(-1, 500_000))).toBeUndefined();
  });

  it('of events is a thousand, whoever listens', () => {
    const events = createEvents(() => undefined);
    for (let n = 0; n < 5_000; n += 1) events.publish({ type: 'draft', id: String(n) });
    expect(events.since(4_000)).toHaveLength(1_000);
    expect(events.since(3_999)).toBeNull();
  });
});

describe('files of the ledger that grow', () => {
  it('decisions are written anew when most of them are past', async () => {
    const path = join(await tempDir(), 'decided.jsonl');
    const decided = createDecided(path, open);
    for (let n = 0; n < 1_500; n += 1) {
      await decided.note({ id: draftId(n), status: 'rejected', approved_id: null });
      await decided.drop([draftId(n)]);
      expect(await linesIn(path)).toBeLessThanOrEqual(1_002);
    }
    expect(await decided.all()).toEqual([]);
  });

  it('and where there is no room for that, what was noted is noted, and it is done later', async () => {
    await prepareDisks();
    const dir = await tempDir();
    const path = join(dir, 'decided.jsonl');
    const decided = createDecided(path, open);
    const full = failing(
      'ENOSPC',
      (c) => c.op === 'write' && c.path.endsWith('.tmp') && under(dir, c),
    );
    onTestFinished(full);
    for (let n = 0; n < 700; n += 1) {
      await decided.note({ id: draftId(n), status: 'rejected', approved_id: null });
      if (n > 0) await decided.drop([draftId(n)]);
    }
    expect(await linesIn(path)).toBeGreaterThan(1_002);
    expect(await decided.all()).toHaveLength(1);
    full();
    await decided.note({ id: draftId(0), status: 'error', approved_id: null });
    expect(await linesIn(path)).toBe(1);
    expect(await createDecided(path, open).all()).toEqual(await decided.all());
  });

  it('idempotency entries too', async () => {
    const dir = await tempDir();
    const path = join(dir, 'idempotency.jsonl');
    const quarantine = createQuarantine({ dir: join(dir, 'q'), label: 'q', fence: open });
    const entries = createIdempotencyEntries(path, open, quarantine);
    for (let n = 0; n < 1_200; n += 1) {
      const slot = `s${n}`;
      await entries.begin({ slot, actor: 'a', request: 'r', records: [], at: n, done: false });
      await entries.finish(slot);
      await entries.drop([slot]);
      expect(await linesIn(path)).toBeLessThanOrEqual(1_004);
    }
  });

  it('spent approvals are a line each and never forgotten', async () => {
    const path = join(await tempDir(), 'consumed.jsonl');
    const consumed = createConsumed(path, open);
    for (let n = 0; n < 50; n += 1) await consumed.note({ id: `a_${n}_aaaaaa`, run_id: 'r' });
    for (let n = 0; n < 50; n += 1) await consumed.note({ id: `a_${n}_aaaaaa`, run_id: 'r' });
    expect(await consumed.all()).toHaveLength(50);
    expect(await linesIn(path)).toBeLessThanOrEqual(100);
  });

  it('claims leave one epoch behind, and no lock', async () => {
    const [dataDir, ledgerDir] = [await tempDir(), await tempDir()];
    for (let n = 0; n < 10; n += 1)
      await (await claimDataDir({ dataDir, ledgerDir, onLost: open })).release();
    expect(await readdir(join(ledgerDir, 'epochs'))).toEqual(['10']);
    expect((await readdir(ledgerDir)).filter((name) => name.includes('.lock'))).toEqual([]);
  });
});

describe('the audit', () => {
  it('closes a file at its size, keeps all of them, and they verify as one chain', async () => {
    const server = await startServer({ env: { ORCH_AUDIT_LOG_MAX_BYTES: '4096' } });
    for (let n = 0; n < 60; n += 1) await newDraft(server);
    const dir = join(server.host.dataDir, 'ops', 'audit');
    const names = await readdir(dir);
    expect(names.length).toBeGreaterThan(5);
    // A batch of entries that arrive together is not torn apart.
    for (const name of names) expect((await readFile(join(dir, name))).length).toBeLessThan(8_192);
    const { body } = await server.request('GET', '/ops/audit/verify', { role: 'operator' });
    expect(body).toMatchObject({ verdict: 'whole' });
    const last = await server.request('GET', '/ui/audit?limit=500', { role: 'operator' });
    expect(Object(last.body).lines.length).toBeGreaterThanOrEqual(120);
  });
});
