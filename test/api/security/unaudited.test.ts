import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Operation, type OpId, opIds, table } from '../../../src/contract/operations.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, expectError, newDraft } from '../wire/support.ts';
import { lockDown, lockOf, resolve } from './support.ts';

/*
 * Nothing happens that cannot be audited, except the brakes. The audit is broken as a disk breaks it: where its folder
 * was, there is a file.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return server.dispose;
});

async function withoutAudit<T>(job: () => Promise<T>): Promise<T> {
  const dir = join(server.host.dataDir, 'ops', 'audit');
  await rename(dir, `${dir}.away`);
  await writeFile(dir, '');
  try {
    return await job();
  } finally {
    await rm(dir);
    await rename(`${dir}.away`, dir);
  }
}

/** Every file of the store and the ledger with its content, but for what changes by itself. */
async function everything(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const root of [server.host.dataDir, server.host.ledgerDir]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || /\/audit|\.lock\b/.test(path)) continue;
      found[path] = await readFile(path, 'utf8');
    }
  }
  return found;
}

interface Ask {
  path?: string;
  body?: unknown;
}
const draft = async (more = '', body?: unknown): Promise<Ask> => ({
  path: `/ops/drafts/${(await newDraft(server)).id}${more}`,
  ...(body === undefined ? {} : { body }),
});
const approved = async () => (await approve(server, (await newDraft(server)).id)).id;
const plan = {
  ...{ id: 'p1', title: 'Plan', workspace: '.', created: '2026-01-01', objective: 'Tidy up' },
};
const offline = {
  active: 'offline',
  providers: { offline: { type: 'offline', model: 'offline' } },
};
const root = () => encodeURIComponent(server.root);
const changed = async (what: string): Promise<Ask> => {
  await writeFile(join(server.host.dataDir, 'ops', `${what}.json`), '{"max_concurrent_runs": 5}');
  return { path: `/ops/changes/${what}/accept`, body: {} };
};

/** A request for each mutation that would be carried out if it could be audited. */
/** Approves a draft with these steps by its digest, and runs it. @returns the run's id, once it is in that state */
async function ran(steps: unknown[], status: string): Promise<string> {
  const { id, digest } = await newDraft(server, { steps });
  const reached = Promise.withResolvers<string>();
  const path = `/ops/drafts/${id}/approve?auto_run=true&digest=${digest}`;
  const off = server.host.onChange(({ type, id: run }) => {
    if (type === 'run' && run !== null) void look(run);
  });
  const look = async (run: string) => {
    const reply = await server.request('GET', `/ops/runs/${run}`, { role: 'actions' });
    if (Object(reply.body).status === status) reached.resolve(run);
  };
  const reply = await server.request('POST', path, { role: 'operator' });
  await look(Object(reply.body).run.id);
  const run = await reached.promise;
  off();
  return run;
}
const held = () => ran([{ id: 'g', kind: 'gate' }], 'paused');
const edited = () =>
  ran([{ id: 'e', kind: 'edit', changes: [{ path: `${randomUUID()}.txt`, text: 'x' }] }], 'done');

const asks: Partial<Record<OpId, () => Promise<Ask>>> = {
  createDraft: async () => ({ body: { prompt: 'x' } }),
  editDraft: () => draft('', { prompt: 'y' }),
  rejectDraft: () => draft('/reject', {}),
  approveDraft: () => draft('/approve'),
  redraft: async () => ({ path: `/ops/approved/${await approved()}/redraft` }),
  createRun: async () => ({ body: { approved_id: await approved() } }),
  setPlan: async () => ({ body: plan }),
  setConfig: async () => ({ body: { max_concurrent_runs: 2 } }),
  setProvider: async () => ({ body: offline }),
  generateDraft: async () => ({ body: { prompt: 'tidy' } }),
  acceptChange: () => changed('config'),
  restoreChange: async () => ({ path: '/ops/changes/config/restore' }),
  openRepo: async () => ({ path: `/ui/repos/open?path=${root()}` }),
  selectRepo: async () => ({ path: `/ui/repos/select?path=${root()}` }),
  vitaminizeRepo: async () => ({ path: `/ui/repos/vitaminize?path=${root()}` }),
  setAllowlist: async () => ({ body: { paths: [] } }),
  rotateToken: async () => ({ path: '/ops/tokens/actions/rotate' }),
  restartService: async () => ({}),
  checkProvider: async () => ({}),
  resumeRun: async () => ({ path: `/ops/runs/${await held()}/resume` }),
  undoRun: async () => ({ path: `/ops/runs/${await edited()}/undo` }),
};

const mutations = opIds.filter((id) => table[id].effect === 'mutation');

describe('with an audit that cannot be written', () => {
  it.each(mutations.filter((id) => id !== 'resolveSecurity'))(
    '%s answers 503, and nothing has happened',
    async (id) => {
      const row: Operation = table[id];
      const ask = asks[id];
      expect(ask, `${id} has no request here`).toBeDefined();
      const { path = row.path, body } = (await ask?.()) ?? {};
      await withoutAudit(async () => {
        const before = await everything();
        const reply = await server.request(row.method.toUpperCase(), path, { role: 'admin', body });
        const { detail } = expectError(reply, 'audit_unavailable');
        expect(detail).toMatch(/nothing was done/);
        expect(await everything()).toEqual(before);
      });
      expect((await server.request('GET', '/status', { role: 'actions' })).status).toBe(200);
    },
  );

  it('a lockdown is not lifted', async () => {
    await lockDown(server);
    await withoutAudit(async () => {
      expectError(await resolve(server), 'audit_unavailable');
      expect((await lockOf(server)).level).toBe('all');
    });
    expect((await resolve(server)).status).toBe(200);
  });
});

describe('the brakes act all the same', () => {
  it('a lockdown locks, and is kept', async () => {
    await withoutAudit(async () => {
      await lockDown(server);
      expect((await lockOf(server)).level).toBe('all');
    });
    expect((await resolve(server)).status).toBe(200);
    await server.whenLogged(({ message }) => /lockDown could not be audited/.test(message));
  });

  it('invalid tokens lock', async () => {
    await withoutAudit(async () => {
      for (let n = 0; n < 5; n += 1)
        await server.request('GET', '/status', { token: `a-token-that-never-was-${n}` });
      expect((await lockOf(server)).level).toBe('strangers');
    });
    expect((await resolve(server)).status).toBe(200);
  });

  it('a stop stops', async () => {
    const stopped = Promise.withResolvers<string>();
    const other = await startServer({ onStopped: stopped.resolve });
    const dir = join(other.host.dataDir, 'ops', 'audit');
    await rename(dir, `${dir}.away`);
    await writeFile(dir, '');
    const reply = await other.request('POST', '/ui/service/stop', { role: 'admin' });
    expect(reply.body).toEqual({ status: 'stopping' });
    await stopped.promise;
  });
});
