import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RunRecord } from '../../src/contract/records.ts';
import { startServer, type TestServer } from '../api/harness.ts';
import { expectError, newDraft } from '../api/wire/support.ts';
import {
  changes,
  type DiskCall,
  failing,
  prepareDisks,
  type SmallDisk,
  smallDisk,
  under,
} from './bad-disk.ts';

/* What becomes of runs, and of single records, on a disk that fails. */

let dir: string;
let server: TestServer;
/** A folder of the workspace that is a small disk of its own, so that an edit finds it full. */
let corner: SmallDisk;
beforeAll(async () => {
  await prepareDisks();
  dir = await mkdtemp(join(tmpdir(), 'gimo-disk-runs-'));
  corner = smallDisk(join(dir, 'work', 'corner'), 1);
  server = await startServer({ keep: true, dir });
});
afterAll(async () => {
  await server?.host.stop();
  corner?.unmount();
  await rm(dir, { recursive: true, force: true });
});

const admin = (method: string, path: string, body?: unknown) =>
  server.request(method, path, { role: 'admin', ...(body === undefined ? {} : { body }) });
const runOf = async (id: string) => RunRecord.parse((await admin('GET', `/ops/runs/${id}`)).body);

/** The run, once this holds of it. */
async function whenRun(id: string, holds: (run: RunRecord) => boolean): Promise<RunRecord> {
  const reached = Promise.withResolvers<RunRecord>();
  const look = async () => {
    const run = await runOf(id);
    if (holds(run)) reached.resolve(run);
  };
  const off = server.host.onChange((change) => {
    if (change.type === 'run' && change.id === id) void look();
  });
  await look();
  const run = await reached.promise;
  off();
  return run;
}
const is =
  (...status: string[]) =>
  (run: RunRecord) =>
    status.includes(run.status);

async function begin(steps: unknown[]): Promise<string> {
  const { id, digest } = await newDraft(server, { steps });
  const path = `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`;
  const reply = await admin('POST', path);
  expect(reply.status, reply.text).toBe(200);
  return RunRecord.parse(Object(reply.body).run).id;
}
const gates = ['g', 'h'].map((id) => ({ id, kind: 'gate' }));
const edits = (...files: [path: string, text: string][]) => ({
  ...{ id: 'e', kind: 'edit' },
  changes: files.map(([path, text]) => ({ path, text })),
});
const data = () => server.host.dataDir;
const ledger = () => server.host.ledgerDir;
const fileOf = async (id: string) =>
  RunRecord.parse(JSON.parse(await readFile(join(data(), 'ops', 'runs', `${id}.json`), 'utf8')));

const failingHere: typeof failing = (code, which) => {
  const heal = failing(code, which);
  onTestFinished(heal);
  return heal;
};
const noRoomIn = (where: () => string) => (call: DiskCall) =>
  call.op === 'write' && under(where(), call);

describe('a run', () => {
  it.each([
    ['its entry in the ledger', () => join(ledger(), 'runs')],
    ['its file and its log', () => join(data(), 'ops', 'runs')],
  ])(
    'comes to its end by itself when there was no room for %s, once there is',
    async (_, where) => {
      const name = `${randomUUID()}.txt`;
      // The edit is done, and then there is no room any more.
      const heal = failingHere(
        'ENOSPC',
        (call) => noRoomIn(where)(call) && existsSync(join(server.root, name)),
      );
      const run = await begin([edits([name, 'x'])]);
      await server.whenLogged(({ message, level }) => message.includes(run) && level !== 'info');
      for (const path of ['/status', '/ops/runs', `/ops/runs/${run}`])
        expect((await admin('GET', path)).status).toBe(200);
      heal();
      const ended = await whenRun(run, is('done', 'error'));
      expect(ended.finished_at).not.toBeNull();
      // Its file follows, and its log is folded in.
      await whenFile(run, ended.status);
      expect((await fileOf(run)).log).toEqual(ended.log);
      expect((await admin('GET', '/status')).body).toMatchObject({ panic_mode: false });
    },
  );

  it('that was cancelled on a full disk never goes on, and ends cancelled once there is room', async () => {
    const run = await begin(gates);
    await whenRun(run, is('paused'));
    const heal = failingHere('ENOSPC', noRoomIn(ledger));
    expectError(await admin('POST', `/ops/runs/${run}/cancel`), 'storage_full');
    heal();
    await whenRun(run, is('cancelled'));
    await whenFile(run, 'cancelled');
  });

  /** Resolves when the run's file tells this state. */
  async function whenFile(id: string, status: string): Promise<void> {
    const told = Promise.withResolvers<void>();
    const look = async () => {
      if ((await fileOf(id)).status === status) told.resolve();
    };
    const off = server.host.onChange((change) => {
      if (change.type === 'run' && change.id === id) void look();
    });
    await look();
    await told.promise;
    off();
  }
});

describe('an edit step', () => {
  it('changes nothing if there is no room to keep what the files were', async () => {
    await writeFile(join(server.root, 'kept.txt'), 'before');
    const heal = failingHere(
      'ENOSPC',
      noRoomIn(() => join(ledger(), 'old')),
    );
    const run = await begin([edits(['kept.txt', 'after'], ['new.txt', 'new'])]);
    const { status, error } = await whenRun(run, is('done', 'error'));
    heal();
    expect(status).toBe('error');
    expect(error).toMatch(/no room left on the disk.*Free some space/);
    expect(await readFile(join(server.root, 'kept.txt'), 'utf8')).toBe('before');
    expect(await readdir(server.root)).not.toContain('new.txt');
    expect(await left()).toEqual([]);
  });

  it.each(['sync', 'folder'])(
    'changes nothing if what the files were cannot be synced (%s)',
    async (what) => {
      await writeFile(join(server.root, 'kept.txt'), 'before');
      const heal = failingHere(
        'EIO',
        (call) =>
          call.op === 'sync' &&
          call.folder === (what === 'folder') &&
          under(join(ledger(), 'old'), call),
      );
      const run = await begin([edits(['kept.txt', 'after'])]);
      const { status, error } = await whenRun(run, is('done', 'error'));
      heal();
      expect(status).toBe('error');
      expect(error).toMatch(/file system refused.*EIO.*Check the disk/);
      expect(await readFile(join(server.root, 'kept.txt'), 'utf8')).toBe('before');
    },
  );

  it('puts back what it changed if the disk is full half way', async () => {
    await mkdir(join(server.root, 'corner'), { recursive: true });
    await writeFile(join(server.root, 'corner', 'a.txt'), 'before');
    await writeFile(join(server.root, 'corner', 'b.txt'), 'before');
    const refuse = corner.real
      ? () => undefined
      : failing('ENOSPC', (c) => c.op === 'write' && /corner/.test(c.path));
    const steps = [edits(['corner/a.txt', 'after'], ['corner/b.txt', 'x'.repeat(1_000_000)])];
    // A part of the megabyte is taken: two files of it do not fit, nor does one beside its predecessor.
    await writeFile(join(server.root, 'corner', 'c.bin'), Buffer.alloc(300_000));
    const run = await begin(steps);
    const { status, error } = await whenRun(run, is('done', 'error'));
    refuse();
    expect(status).toBe('error');
    expect(error).toMatch(/room|ENOSPC|full/i);
    for (const name of ['a.txt', 'b.txt'])
      expect(await readFile(join(server.root, 'corner', name), 'utf8')).toBe('before');
    expect((await readdir(join(server.root, 'corner'))).sort()).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/\.tmp$/)]),
    );
    await rm(join(server.root, 'corner', 'c.bin'));
    const again = await begin([edits(['corner/a.txt', 'after'])]);
    expect((await whenRun(again, is('done', 'error'))).error).toBeNull();
  });

  const left = async () =>
    (await readdir(dir, { recursive: true })).filter((path) => path.endsWith('.tmp'));
});

describe('one record that the disk does not give', () => {
  it.each([
    ['read', 'EIO'],
    ['look', 'EIO'],
    ['open', 'EACCES'],
  ] as const)('(%s, %s) hides no other, stays where it is, and comes back', async (op, code) => {
    const kept = await newDraft(server);
    const bad = await newDraft(server, { prompt: 'on a bad block' });
    const heal = failingHere(code, (call) => call.op === op && call.path.includes(bad.id));
    // Another file than the one that is known.
    await utimes(join(data(), 'ops', 'drafts', `${bad.id}.json`), new Date(), new Date());
    const listed = await admin('GET', '/ops/drafts?view=summary');
    expect(listed.status, listed.text).toBe(200);
    expect(listed.text).toContain(kept.id);
    expect(listed.text).not.toContain(bad.id);
    expect((await admin('GET', '/ops/drafts?status=draft')).text).toContain(kept.id);
    expectError(await admin('GET', `/ops/drafts/${bad.id}`), 'storage_error');
    const { body } = await admin('GET', '/status');
    expect(body).toMatchObject({
      panic_mode: false,
      quarantined: [{ file: `drafts/${bad.id}.json`, reason: expect.stringMatching(/disk/) }],
    });
    heal();
    expect((await admin('GET', `/ops/drafts/${bad.id}`)).status).toBe(200);
    expect((await admin('GET', '/ops/drafts?status=draft')).text).toContain(bad.id);
    expect((await admin('GET', '/status')).body).toMatchObject({ quarantined: [] });
  });
});

describe('a folder of records that is gone', () => {
  it.each(['a file', 'nothing'])(
    'and %s is in its place: refused in words, no lockdown',
    async (what) => {
      const draft = await newDraft(server);
      const drafts = join(data(), 'ops', 'drafts');
      const away = join(dir, 'away');
      await rename(drafts, away);
      if (what === 'a file') await writeFile(drafts, '');
      for (let n = 0; n < 4; n += 1) {
        const made = await admin('POST', '/ops/drafts', { prompt: 'p' });
        expect(made.status, made.text).toBe(503);
        expectError(made, 'storage_error');
        for (const path of ['/ops/drafts', `/ops/drafts/${draft.id}`, '/ops/drafts?status=draft'])
          expect([200, 404, 503], path).toContain((await admin('GET', path)).status);
      }
      expect((await admin('GET', '/ops/runs')).status).toBe(200);
      await rm(drafts, { force: true });
      await rename(away, drafts);
      expect((await admin('GET', `/ops/drafts/${draft.id}`)).status).toBe(200);
      expect((await admin('GET', '/status')).body).toMatchObject({ panic_mode: false });
      expect((await admin('POST', '/ops/drafts', { prompt: 'p' })).status).toBe(201);
    },
  );
});

it('a start on a disk that is full or read-only is refused in words, and succeeds later', async () => {
  const draft = await newDraft(server);
  await server.host.stop();
  const ours = (call: DiskCall) => under(data(), call) || under(ledger(), call);
  const everywhere = {
    ENOSPC: (call: DiskCall) => call.op === 'write' && ours(call),
    EROFS: (call: DiskCall) => changes(call) && ours(call),
  };
  for (const [code, which] of Object.entries(everywhere)) {
    const heal = failingHere(code, which);
    await expect(startServer({ keep: true, dir })).rejects.toMatchObject({
      code: code === 'ENOSPC' ? 'storage_full' : 'storage_error',
    });
    heal();
  }
  server = await startServer({ keep: true, dir });
  expect((await admin('GET', `/ops/drafts/${draft.id}`)).status).toBe(200);
});
