import { existsSync } from 'node:fs';
import { mkdtemp, rm, rmdir, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RunRecord } from '../../src/contract/records.ts';
import { claimDataDir } from '../../src/store/claim.ts';
import { claimWithin } from '../../src/store/claim-wait.ts';
import { startServer, type TestServer } from '../api/harness.ts';
import { expectError, newDraft } from '../api/wire/support.ts';
import { changes, type DiskCall, failing, hanging, prepareDisks, under } from './bad-disk.ts';

/*
 * A disk that does not answer: what has to be written waits, everything else goes on. Reads answer, brakes act and
 * answer, a stop stops; and when the disk answers again, what waited is done.
 */

beforeAll(prepareDisks);

const admin = (server: TestServer, method: string, path: string, body?: unknown) =>
  server.request(method, path, { role: 'admin', ...(body === undefined ? {} : { body }) });

/** Nothing that is written there comes back until it is let go on, or the test has finished. */
function stuck(which: (call: DiskCall) => boolean) {
  const disk = hanging(which);
  onTestFinished(disk.letGo);
  return disk;
}
const writing = (call: DiskCall) => changes(call) || call.op === 'sync';

/** A run that waits at a gate, and one that hangs in the middle of its work: the disk has its entry. */
async function held(server: TestServer): Promise<string> {
  const steps = ['g', 'h'].map((id) => ({ id, kind: 'gate' }));
  const { id, digest } = await newDraft(server, { steps });
  const paused = Promise.withResolvers<void>();
  const path = `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`;
  const run = RunRecord.parse(Object((await admin(server, 'POST', path)).body).run).id;
  const look = async () => {
    const { body } = await admin(server, 'GET', `/ops/runs/${run}`);
    if (RunRecord.parse(body).status === 'paused') paused.resolve();
  };
  const off = server.host.onChange(() => void look());
  await look();
  await paused.promise;
  off();
  return run;
}

const places = {
  'the data directory': (server: TestServer) => server.host.dataDir,
  'the ledger': (server: TestServer) => server.host.ledgerDir,
};

describe.each(Object.entries(places))('while %s does not answer to writes', (_, where) => {
  it('reads answer, brakes answer and are in force, and what waited is done afterwards', async () => {
    const server = await startServer();
    const draft = await newDraft(server);
    const run = await held(server);
    const disk = stuck((call) => writing(call) && under(where(server), call));
    const waiting = [
      admin(server, 'POST', '/ops/drafts', { prompt: 'waits' }),
      admin(server, 'POST', `/ops/drafts/${draft.id}/reject`, {}),
      admin(server, 'POST', `/ops/runs/${run}/resume`),
    ];
    await disk.reached;
    for (const path of [
      ...['/status', '/ui/status', '/ops/drafts', '/ops/runs', '/ops/plan', '/ops/audit/verify'],
      ...[`/ops/drafts/${draft.id}`, `/ops/runs/${run}`, '/ops/config', '/ui/security/events'],
    ])
      expect([200, 404], path).toContain((await admin(server, 'GET', path)).status);
    const cancelled = await admin(server, 'POST', `/ops/runs/${run}/cancel`);
    expect([200, 507, 503], cancelled.text).toContain(cancelled.status);
    const locked = await admin(server, 'POST', '/ui/security/lockdown', {});
    if (locked.status !== 200) expectError(locked, 'storage_error');
    expect((await admin(server, 'GET', '/status')).body).toMatchObject({ panic_mode: true });
    disk.letGo();
    const answers = await Promise.all(waiting);
    for (const { status, text } of answers) expect([200, 201, 409, 503], text).toContain(status);
    expect(answers[0]?.status).toBe(201);
    const { body } = await admin(server, 'GET', '/ops/audit/verify');
    expect(body).toMatchObject({ verdict: 'whole' });
    const cleared = '/ui/security/resolve?action=clear_panic';
    expect((await admin(server, 'POST', cleared)).status).toBe(200);
    const again = await admin(server, 'GET', `/ops/runs/${run}`);
    if (RunRecord.parse(again.body).status !== 'cancelled')
      expect((await admin(server, 'POST', `/ops/runs/${run}/cancel`)).status).toBe(200);
    expect((await admin(server, 'POST', '/ops/drafts', { prompt: 'p' })).status).toBe(201);
  });
});

it('a stop stops within its time, tells why it could not end cleanly, and the claim goes when the disk answers', async () => {
  const server = await startServer({ keep: true });
  const disk = stuck((call) => writing(call) && under(server.host.dataDir, call));
  const waiting = admin(server, 'POST', '/ops/drafts', { prompt: 'waits' }).catch(
    (error: unknown) => error,
  );
  await disk.reached;
  const began = performance.now();
  await expect(server.host.stop()).rejects.toMatchObject({
    ...{ code: 'storage_error', message: expect.stringMatching(/Check the disk/) },
  });
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(await waiting).toBeInstanceOf(Error);
  const { dataDir, ledgerDir } = server.host;
  const claim = { dataDir, ledgerDir, onLost: () => undefined };
  // Nobody may write there as long as something of this one may still come.
  expect(existsSync(join(dataDir, 'ops', 'owner.json'))).toBe(true);
  disk.letGo();
  await (await claimWithin(20_000, claim)).release();
  const next = await startServer({ keep: true, dir: server.dir });
  expect((await admin(next, 'GET', '/ops/audit/verify')).body).toMatchObject({ verdict: 'whole' });
  await next.host.stop();
  await rm(server.dir, { recursive: true, force: true });
});

it('a ledger that does not let the lock of a claim be taken again costs nobody the claim', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-lock-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const [dataDir, ledgerDir] = [join(dir, 'data'), join(dir, 'ledger')];
  const lost: unknown[] = [];
  const claim = await claimDataDir({ dataDir, ledgerDir, onLost: (why) => lost.push(why) });
  const name = `epoch-${claim.epoch}.lock`;
  await rmdir(join(ledgerDir, name));
  const refused = Promise.withResolvers<void>();
  const heal = failing('EIO', ({ op, path }) => {
    const isLock = op === 'unlink' && path === join(ledgerDir, name);
    if (isLock) refused.resolve();
    return isLock;
  });
  onTestFinished(heal);
  // It is looked at every few seconds.
  await refused.promise;
  heal();
  for await (const { filename } of watch(ledgerDir)) if (filename === name) break;
  expect(() => claim.fence()).not.toThrow();
  expect(lost).toEqual([]);
  await claim.release();
});
