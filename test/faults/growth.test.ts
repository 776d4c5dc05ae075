import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunRecord } from '../../src/contract/records.ts';
import { createEvents } from '../../src/core/events.ts';
import { claimDataDir } from '../../src/store/claim.ts';
import { createConsumed } from '../../src/store/consumed.ts';
import { createDecided } from '../../src/store/decided.ts';
import { createIdempotencyEntries } from '../../src/store/idempotency.ts';
import { createQuarantine } from '../../src/store/quarantine.ts';
import { createRecordCache } from '../../src/store/record-cache.ts';
import { openStore } from '../../src/store/store.ts';
import { startServer, type TestServer } from '../api/harness.ts';
import { approve, runWhen, startRun } from '../api/runs/support.ts';
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

/** Asks for something and goes away, some at once and some when there is an answer. */
function comeAndGo(server: TestServer, path: string, n: number): Promise<void> {
  const token = server.host.token('actions');
  return new Promise((resolve, reject) => {
    const socket = connect(server.host.port, '127.0.0.1', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.host.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        () => (n % 2 === 0 ? socket.destroy() : socket.once('data', () => socket.destroy())),
      );
    });
    socket.on('error', reject).on('close', () => resolve());
  });
}
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('clients that come and go', () => {
  it('leave nothing behind: no timer, no listener, and no place that is taken', async () => {
    const server = await startServer();
    await comeAndGo(server, '/ops/events', 1);
    const before = { ...memory(), timers: timers() };
    for (let n = 0; n < 10_000; n += 20)
      await Promise.all(
        Array.from({ length: 20 }, (_, k) => comeAndGo(server, '/ops/events', n + k)),
      );
    // The last of them are noticed to be gone before a new one is answered; all 32 places of the token are free.
    const streams = [];
    for (let n = 0; n < 32; n += 1) {
      const gone = new AbortController();
      const headers = { authorization: `Bearer ${server.host.token('actions')}` };
      const url = `${server.host.url}/ops/events`;
      streams.push({ gone, reply: await fetch(url, { headers, signal: gone.signal }) });
    }
    expect(streams.map(({ reply }) => reply.status)).toEqual(Array(32).fill(200));
    const open = timers();
    for (const { gone } of streams) gone.abort();
    const after = memory();
    console.info(
      `10,000 streams: in use ${mib(before.used)} before, ${mib(after.used)} after; timers ${before.timers}, with 32 streams ${open}`,
    );
    // A heartbeat for each of the 32, and what the clients themselves may have.
    expect(open - before.timers).toBeLessThan(150);
    expect(after.used - before.used).toBeLessThan(20 * 2 ** 20);
  }, 180_000);

  it('share one budget if they have no token, from whatever address: nothing is kept of each', async () => {
    const server = await startServer({ env: { ORCH_RATE_LIMIT_PER_MIN: '50' } });
    const statuses: number[] = [];
    for (let n = 1; n <= 60; n += 1) {
      const asked = httpGet({
        ...{ host: '127.0.0.1', port: server.host.port, path: '/status', agent: false },
        // The whole of 127.0.0.0/8 is this machine on Linux alone.
        ...(process.platform === 'linux' ? { localAddress: `127.0.1.${n}` } : {}),
      });
      const [reply]: IncomingMessage[] = await once(asked, 'response');
      reply?.resume();
      statuses.push(reply?.statusCode ?? 0);
    }
    expect(statuses).toEqual([...Array(50).fill(401), ...Array(10).fill(429)]);
  });

  it('a token that is presented is kept nowhere, however many there are', async () => {
    const server = await startServer({ env: { ORCH_RATE_LIMIT_PER_MIN: '1000000' } });
    const before = memory();
    for (let n = 0; n < 2_000; n += 1) {
      const token = `${n}-${'x'.repeat(8_000)}`;
      const reply = await server.request('GET', '/status', { token });
      expect([401, 503]).toContain(reply.status);
    }
    // They are 16 MB; the events of the lockdown are a hundred at most.
    expect(memory().used - before.used).toBeLessThan(8 * 2 ** 20);
    const { body } = await server.request('GET', '/ui/security/events', { role: 'operator' });
    expect(Object(body).events.length).toBeLessThanOrEqual(100);
  });
});

describe('what a run leaves', () => {
  it('goes with it: its log, its entry, and what files were before', async () => {
    const server = await startServer();
    const steps = [{ id: 'e', kind: 'edit', changes: [{ path: 'a.txt', text: 'x' }] }];
    await writeFile(join(server.root, 'a.txt'), 'before');
    const { id, digest } = await newDraft(server, { steps });
    const path = `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`;
    const reply = await server.request('POST', path, { role: 'operator' });
    const run = RunRecord.parse(Object(reply.body).run);
    await runWhen(server, run.id, ({ status }) => status === 'done');
    const old = join(server.host.ledgerDir, 'old');
    expect(await readdir(old)).toEqual([run.id]);
    const next = await server.restart({ env: { ORCH_OPS_RUN_TTL: '1' } });
    await new Promise<void>((resolve) => {
      next.host.onChange(({ type, id }) => {
        if (type === 'run' && id === run.id) resolve();
      });
    });
    expect(await readdir(old)).toEqual([]);
    expect(await readdir(join(next.host.ledgerDir, 'runs'))).toEqual([]);
    expect(await readdir(join(next.host.dataDir, 'ops', 'runs'))).toEqual([]);
  });

  it('is no log of its own once it is over, however many there were', async () => {
    const server = await startServer();
    for (let n = 0; n < 10; n += 1) {
      const { approved } = await approve(server);
      const run = await startRun(server, approved.id);
      await runWhen(server, run.id, ({ status }) => status === 'done');
    }
    await server.host.stop();
    const names = await readdir(join(server.host.dataDir, 'ops', 'runs'));
    expect(names.filter((name) => name.endsWith('.log.jsonl'))).toEqual([]);
    expect(names).toHaveLength(10);
  });
});
