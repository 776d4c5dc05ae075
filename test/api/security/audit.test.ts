import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ops } from '../../../src/contract/operations.ts';
import { AuditEntry } from '../../../src/contract/rows/security.ts';
import { openAudit } from '../../../src/core/audit.ts';
import { openAuditFile } from '../../../src/store/auditfile.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';

const read = async (server: TestServer, path: string) => {
  const reply = await server.request('GET', path, { role: 'operator' });
  expect(reply.status, reply.text).toBe(200);
  return reply.body;
};
const page = async (server: TestServer, query: string) =>
  ops.listAudit.output.parse(await read(server, `/ops/audit?${query}`));
const linesOf = async (server: TestServer, query = '') =>
  ops.getUiAudit.output.parse(await read(server, `/ui/audit${query}`)).lines;
const verdict = (server: TestServer) => read(server, '/ops/audit/verify');

async function growing(server: TestServer): Promise<string> {
  const dir = join(server.host.dataDir, 'ops', 'audit');
  return join(dir, (await readdir(dir)).sort().at(-1) ?? '');
}

describe('/ui/audit', () => {
  it('gives the last lines, the newest last, at most as many as asked for', async () => {
    const server = await startServer();
    for (let n = 0; n < 8; n += 1) await newDraft(server);
    const all = (await linesOf(server)).map((line) => AuditEntry.parse(JSON.parse(line)));
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
    expect(all).toEqual(await auditOf(server));
    expect(await linesOf(server, '?limit=10')).toHaveLength(10);
    for (const limit of ['9', '501', 'many'])
      expectError(
        await server.request('GET', `/ui/audit?limit=${limit}`, { role: 'operator' }),
        'validation_error',
      );
  });

  it('redacts what others wrote into it', async () => {
    const server = await startServer();
    await newDraft(server);
    const secret = server.host.token('admin');
    await appendFile(await growing(server), `not ours, password=hunter2hunter2 ${secret}\n`);
    const text = JSON.stringify(await linesOf(server));
    expect(text).toContain('not ours');
    expect(text).not.toContain('hunter2hunter2');
    expect(text).not.toContain(secret);
  });

  it('is not for weak tokens, and /ui/status shows its last line from operator on', async () => {
    const server = await startServer();
    await newDraft(server);
    for (const role of ['actions', 'agent'] as const) {
      for (const path of ['/ui/audit', '/ops/audit', '/ops/audit/verify'])
        expectError(await server.request('GET', path, { role }), 'role_required');
      const { body } = await server.request('GET', '/ui/status', { role });
      expect(ops.getUiStatus.output.parse(body).last_audit_line).toBeNull();
    }
    const { body } = await server.request('GET', '/ui/status', { role: 'operator' });
    const status = ops.getUiStatus.output.parse(body);
    expect(JSON.parse(status.last_audit_line ?? '')).toEqual((await auditOf(server)).at(-1));
    expect(status).toMatchObject({ service_status: 'RUNNING', version: '0.0.0-test' });
  });
});

describe('/ops/audit', () => {
  it('reads on from where the reader was, page by page', async () => {
    const server = await startServer();
    for (let n = 0; n < 5; n += 1) await newDraft(server);
    const seen: AuditEntry[] = [];
    let after = 0;
    for (;;) {
      const { entries, next } = await page(server, `after=${after}&limit=3`);
      if (entries.length === 0) {
        expect(next).toBe(after);
        break;
      }
      seen.push(...entries);
      after = next;
    }
    expect(seen).toEqual(await auditOf(server));
    await newDraft(server);
    expect((await page(server, `after=${after}`)).entries).toHaveLength(2);
  });

  it('reads across files, which are as large as the environment says', async () => {
    const server = await startServer({ env: { ORCH_AUDIT_LOG_MAX_BYTES: '1000' } });
    for (let n = 0; n < 10; n += 1) await newDraft(server);
    const dir = join(server.host.dataDir, 'ops', 'audit');
    expect((await readdir(dir)).length).toBeGreaterThan(4);
    const { entries } = await page(server, 'after=7&limit=10');
    expect(entries.map(({ seq }) => seq)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    expect(await linesOf(server, '?limit=12')).toHaveLength(12);
    expect(await verdict(server)).toEqual({ verdict: 'whole', at: null });
  });

  it('is empty before the first act', async () => {
    expect(await page(await startServer(), '')).toEqual({ entries: [], next: 0 });
  });
});

describe('/ops/audit/verify', () => {
  it('tells whole, modified, truncated and unwitnessed apart', async () => {
    const server = await startServer();
    for (let n = 0; n < 3; n += 1) await newDraft(server);
    expect(await verdict(server)).toEqual({ verdict: 'whole', at: null });

    const path = await growing(server);
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n');
    await writeFile(path, text.replace('"seq":3', '"seq":4'));
    expect(await verdict(server)).toEqual({ verdict: 'modified', at: 3 });
    await writeFile(path, text);
    expect(await verdict(server)).toEqual({ verdict: 'whole', at: null });
    await truncate(path, Buffer.byteLength(`${lines.slice(0, 4).join('\n')}\n`));
    expect(await verdict(server)).toEqual({ verdict: 'truncated', at: 4 });
  });

  it('says whole while others write', async () => {
    const server = await startServer();
    let over = false;
    const writing = (async () => {
      for (let n = 0; n < 40; n += 1) await newDraft(server);
      over = true;
    })();
    const verdicts = [];
    while (!over) verdicts.push(await verdict(server));
    await writing;
    expect(new Set(verdicts.map((one) => JSON.stringify(one)))).toEqual(
      new Set(['{"verdict":"whole","at":null}']),
    );
  });

  it('of a long chain over several files lets everybody else have their turn, again and again', async () => {
    const first = await startServer();
    await first.host.stop();
    const entries = await lengthen(first, 20_000);
    const server = await startServer({ dir: first.dir });
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const found = await verdict(server);
    over = true;
    expect(found).toEqual({ verdict: 'whole', at: null });
    // A turn for each piece of 64 KiB that is read, which is a few milliseconds of work.
    expect(turns).toBeGreaterThan(entries / 500);
    const tail = await page(server, `after=${entries - 3}`);
    expect(tail.entries.map(({ seq }) => seq)).toEqual([entries - 2, entries - 1, entries]);
    expect((await linesOf(server, '?limit=500')).length).toBe(500);
  });
});

/** Writes so many more entries, as a server would, in files of 1 MiB. */
async function lengthen(server: TestServer, more: number): Promise<number> {
  const { dataDir, ledgerDir } = server.host;
  const ledger = await openLedger({ dir: ledgerDir, dataDir });
  const dir = join(dataDir, 'ops', 'audit');
  const file = await openAuditFile({ dir, ledger, fence: () => undefined, maxBytes: 2 ** 20 });
  const clock = { now: () => 1_800_000_000_000 };
  const audit = await openAudit({ file, ledger, clock, logger: { log: () => undefined } });
  const act = { correlationId: 'c', actor: 'a', operation: 'o', target: null, request: null };
  for (let written = 0; written < more; written += 2000)
    await Promise.all(Array.from({ length: 2000 }, () => audit.append(act, 'done')));
  await file.close();
  return more;
}
