import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorBody, errorStatus } from '../../src/contract/errors.ts';
import { canonical } from '../../src/core/digest.ts';
import { startServer, type TestServer } from '../api/harness.ts';
import { approve, newDraft } from '../api/wire/support.ts';
import { changes, failing, prepareDisks, type SmallDisk, smallDisk, under } from './bad-disk.ts';

/*
 * A bad disk refuses; it does not break. For each thing that changes something, and each way in which a disk fails:
 * either it was done, or the caller is told so with a code, everything is as before, and the same request succeeds once
 * the disk is well again, without a restart.
 */

let dir: string;
let server: TestServer;
let dataDisk: SmallDisk;
let ledgerDisk: SmallDisk;
beforeAll(async () => {
  await prepareDisks();
  dir = await mkdtemp(join(tmpdir(), 'gimo-disk-'));
  dataDisk = smallDisk(join(dir, 'work', '.orch_data'), 8);
  ledgerDisk = smallDisk(join(dir, 'config'), 8);
  await writeFile(join(dir, 'work', 'README.md'), 'Read me.');
  server = await startServer({ keep: true, dir });
});
afterAll(async () => {
  await server?.host.stop();
  dataDisk?.unmount();
  ledgerDisk?.unmount();
  await rm(dir, { recursive: true, force: true });
});

interface Ask {
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}
const admin = (ask: Ask) =>
  server.request(ask.method ?? 'POST', ask.path, {
    role: 'admin',
    ...(ask.body === undefined ? {} : { body: ask.body }),
    ...(ask.headers === undefined ? {} : { headers: ask.headers }),
  });

const draftPath = async (more = '', fields = {}) =>
  `/ops/drafts/${(await newDraft(server, fields)).id}${more}`;

/** Approves a draft with these steps and runs it. @returns the run's id, once it is in that state */
async function ran(steps: unknown[], status: string): Promise<string> {
  const { id, digest } = await newDraft(server, { steps });
  const path = `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`;
  const reply = await admin({ path });
  const run = String(Object(reply.body).run.id);
  await whenRun(run, status);
  return run;
}

/** Resolves when the run is in that state. */
async function whenRun(run: string, status: string): Promise<void> {
  const reached = Promise.withResolvers<void>();
  const look = async () => {
    const reply = await server.request('GET', `/ops/runs/${run}`, { role: 'actions' });
    if (Object(reply.body).status === status) reached.resolve();
  };
  const off = server.host.onChange(({ type, id }) => {
    if (type === 'run' && id === run) void look();
  });
  await look();
  await reached.promise;
  off();
}
const held = () =>
  ran(
    ['g', 'h'].map((id) => ({ id, kind: 'gate' })),
    'paused',
  );

const plan = () => ({
  ...{ id: 'p1', title: `Plan ${randomUUID()}`, workspace: '.', created: '2026-01-01' },
  objective: 'Tidy up',
});
const provider = () => ({
  active: 'offline',
  providers: { offline: { type: 'offline', model: randomUUID() } },
});
const soon = () => new Date(Date.now() + 3_600_000 + Math.floor(Math.random() * 1e6)).toISOString();
const changedByHand = async (): Promise<void> => {
  // A copy that is owed from before is written with this look, and not over what is changed here.
  await admin({ method: 'GET', path: '/ops/changes' });
  const minutes = Math.floor(Math.random() * 100_000) + 1;
  const text = JSON.stringify({ approval_ttl_minutes: minutes });
  await writeFile(join(server.host.dataDir, 'ops', 'config.json'), text);
};

/** A request for each kind of thing that changes something. */
const asks: Record<string, () => Promise<Ask>> = {
  createDraft: async () => ({ path: '/ops/drafts', body: { prompt: 'x'.repeat(9000) } }),
  'createDraft with a key': async () => ({
    path: '/ops/drafts',
    body: { prompt: 'x'.repeat(9000) },
    headers: { 'idempotency-key': randomUUID() },
  }),
  editDraft: async () => ({
    ...{ method: 'PUT', path: await draftPath() },
    body: { prompt: 'y'.repeat(9000) },
  }),
  rejectDraft: async () => ({ path: await draftPath('/reject'), body: { reason: 'z' } }),
  approveDraft: async () => ({ path: await draftPath('/approve') }),
  'approveDraft and run': async () => ({ path: await draftPath('/approve?auto_run=true') }),
  redraft: async () => ({
    path: `/ops/approved/${(await approve(server, (await newDraft(server)).id)).id}/redraft`,
  }),
  createRun: async () => ({
    path: '/ops/runs',
    body: { approved_id: (await approve(server, (await newDraft(server)).id)).id },
  }),
  generateDraft: async () => ({ path: '/ops/generate', body: { prompt: 'tidy' } }),
  resumeRun: async () => ({ path: `/ops/runs/${await held()}/resume` }),
  cancelRun: async () => ({ path: `/ops/runs/${await held()}/cancel` }),
  undoRun: async () => ({
    path: `/ops/runs/${await ran([{ id: 'e', kind: 'edit', changes: [{ path: `${randomUUID()}.txt`, text: 'x' }] }], 'done')}/undo`,
  }),
  setPlan: async () => ({ method: 'PUT', path: '/ops/plan', body: plan() }),
  setConfig: async () => ({
    ...{ method: 'PUT', path: '/ops/config' },
    body: { run_ttl_hours: Math.floor(Math.random() * 1000) + 100 },
  }),
  setProvider: async () => ({ method: 'PUT', path: '/ops/provider', body: provider() }),
  setAllowlist: async () => ({
    ...{ method: 'PUT', path: '/ui/allowlist' },
    body: { paths: [{ path: 'README.md', expires_at: soon() }] },
  }),
  rotateToken: async () => ({ path: '/ops/tokens/actions/rotate' }),
  acceptChange: async () => {
    await changedByHand();
    return { path: '/ops/changes/config/accept', body: {} };
  },
  restoreChange: async () => {
    await changedByHand();
    return { path: '/ops/changes/config/restore' };
  },
};

/** The last lines of a run come after the state that they are about, so they are compared elsewhere. */
function withoutLogs(body: unknown): unknown {
  if (Array.isArray(body)) return body.map((one: unknown) => withoutLogs(one));
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'log'));
}
const contentOf = (text: string): unknown =>
  text.startsWith('{') ? withoutLogs(JSON.parse(text)) : text;

/** Everything that anybody can see of the records, and what the records' files say. */
async function seen(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = { actions: server.host.token('actions') };
  const paths = ['/ops/drafts', '/ops/approved', '/ops/runs', '/ops/plan', '/ops/config'];
  for (const path of [...paths, '/ops/provider', '/ops/changes', '/ui/allowlist']) {
    const reply = await admin({ method: 'GET', path });
    found[path] = reply.status === 200 ? withoutLogs(reply.body) : reply.status;
  }
  const { host } = server;
  for (const [root, folder] of [
    ...['drafts', 'approved', 'runs', '.'].map((name) => [host.dataDir, `ops/${name}`] as const),
    ...['runs', 'accepted', 'secrets'].map((name) => [host.ledgerDir, name] as const),
  ])
    for (const entry of await readdir(join(root, folder), { withFileTypes: true }))
      if (entry.isFile() && !/\.log\.jsonl$|^owner\.json$/.test(entry.name))
        found[`${folder}/${entry.name}`] =
          // The ledger's entry is the truth of a run; its file may tell it later.
          folder === 'ops/runs'
            ? 'there'
            : contentOf(await readFile(join(root, folder, entry.name), 'utf8'));
  return found;
}

/** What is not the same, each cut to where the difference begins. */
function difference(before: Record<string, unknown>, after: Record<string, unknown>): string {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const told = [...names].flatMap((name) => {
    const [a, b] = [before, after].map((all) => (name in all ? canonical(all[name]) : 'nothing'));
    if (a === b || a === undefined || b === undefined) return [];
    let at = 0;
    while (a[at] === b[at]) at += 1;
    const cut = (text: string) => text.slice(Math.max(0, at - 60), at + 60);
    return [`${name}: ${cut(a)} ... ${cut(b)}`];
  });
  return told.join('\n');
}

/** Resolves when no run is on its way. */
async function calm(): Promise<void> {
  const quiet = Promise.withResolvers<void>();
  const look = async () => {
    const path = '/ops/runs?status=pending&status=running&view=summary';
    const { body } = await admin({ method: 'GET', path });
    if (Array.isArray(body) && body.length === 0) quiet.resolve();
  };
  const off = server.host.onChange(({ type }) => {
    if (type === 'run') void look();
  });
  await look();
  await quiet.promise;
  off();
}

const verdict = async () =>
  Object((await admin({ method: 'GET', path: '/ops/audit/verify' })).body).verdict;

interface Fault {
  name: string;
  begin(): () => void;
  codes: readonly string[];
}
const data = () => server.host.dataDir;
const ledger = () => server.host.ledgerDir;
const readOnly = (dir: () => string) => () =>
  failing('EROFS', (call) => changes(call) && under(dir(), call));
const unsynced = (dir: () => string, folder: boolean) => () =>
  failing('EIO', (call) => call.op === 'sync' && call.folder === folder && under(dir(), call));
const filled = (...disks: (() => SmallDisk)[]) => {
  for (const disk of disks) disk().fill();
  return () => {
    for (const disk of disks) disk().free();
  };
};
const full = ['storage_full'];
const refused = ['storage_error', 'audit_unavailable'];

const faults: Fault[] = [
  {
    ...{ name: 'the disk of the data directory is full', codes: full },
    begin: () => filled(() => dataDisk),
  },
  {
    ...{ name: 'the disk of the ledger is full', codes: full },
    begin: () => filled(() => ledgerDisk),
  },
  {
    ...{ name: 'both disks are full', codes: full },
    begin: () =>
      filled(
        () => dataDisk,
        () => ledgerDisk,
      ),
  },
  {
    ...{ name: 'not a byte more fits into any file', codes: full },
    begin: () => failing('ENOSPC', (call) => call.op === 'write' && under(dir, call)),
  },
  {
    ...{ name: 'the data directory is read-only', codes: refused },
    begin: readOnly(data),
  },
  { ...{ name: 'the ledger is read-only', codes: refused }, begin: readOnly(ledger) },
  {
    ...{ name: 'no file of the data directory can be synced', codes: refused },
    begin: unsynced(data, false),
  },
  {
    ...{ name: 'no folder of the data directory can be synced', codes: refused },
    begin: unsynced(data, true),
  },
  {
    ...{ name: 'no file of the ledger can be synced', codes: refused },
    begin: unsynced(ledger, false),
  },
  {
    ...{ name: 'no folder of the ledger can be synced', codes: refused },
    begin: unsynced(ledger, true),
  },
];

describe.each(faults)('while $name', ({ begin, codes }) => {
  it.each(Object.keys(asks).filter((name) => name !== 'cancelRun'))(
    '%s is done, or is refused and changes nothing',
    async (name) => {
      const ask = await asks[name]?.();
      if (ask === undefined) throw new Error('no request');
      await calm();
      const before = await seen();
      const heal = begin();
      try {
        const reply = await admin(ask);
        for (const path of ['/status', '/ops/drafts?limit=5', '/ops/runs?limit=5', '/ui/status'])
          expect((await admin({ method: 'GET', path })).status, path).toBe(200);
        if (reply.status < 300) return;
        const { code, detail } = ErrorBody.parse(reply.body);
        expect(codes, reply.text).toContain(code);
        expect(reply.status).toBe(Reflect.get(errorStatus, code));
        expect(detail).toMatch(/[Ff]ree some space|[Cc]heck the (disk|audit)/);
        heal();
        expect(difference(before, await seen())).toBe('');
        const again = await admin(ask);
        expect(again.status, again.text).toBeLessThan(300);
      } finally {
        heal();
      }
    },
  );

  it('and after it the audit is whole, nothing is locked, and a restart finds the same', async () => {
    expect(await verdict()).toBe('whole');
    expect((await admin({ method: 'GET', path: '/status' })).body).toMatchObject({
      ...{ panic_mode: false, quarantined: [] },
    });
    await calm();
    const before = await seen();
    server = await server.restart({ keep: true });
    expect(difference(before, await seen())).toBe('');
    expect(await verdict()).toBe('whole');
    const left = await readdir(dir, { recursive: true });
    expect(left.filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });
});
