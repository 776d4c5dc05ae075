import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, expectError, newDraft } from '../wire/support.ts';

/* Agents can write any file of the workspace: what stands in one is no proof of anything. */

const fileOf = (server: TestServer, id: string) =>
  join(server.host.dataDir, 'ops', 'drafts', `${id}.json`);

/** Puts a draft's file where GIMO keeps its own, past the gate. */
async function drop(server: TestServer, more: object): Promise<string> {
  const id = 'd_1795403040476_dfbc34';
  const record = { id, prompt: 'Tidy up', status: 'draft', created_at: '2026-11-23T10:00:00Z' };
  await writeFile(fileOf(server, id), JSON.stringify({ ...record, source: 'editor', ...more }));
  return id;
}

const decide = (server: TestServer, id: string, how: string) =>
  server.request('POST', `/ops/drafts/${id}/${how}`, { role: 'admin' });
const read = async (server: TestServer, id: string) =>
  Draft.parse((await server.request('GET', `/ops/drafts/${id}`, { role: 'actions' })).body);
const artifacts = (server: TestServer) =>
  readdir(join(server.host.dataDir, 'ops', 'approved')).then((names) => names.length);

describe('a draft whose file was put there past the gate', () => {
  test('is not approved with a change that does not say what it was made from', async () => {
    const server = await startServer();
    const steps = [{ id: 's', kind: 'edit', changes: [{ path: 'a.txt', text: 'x' }] }];
    const id = await drop(server, { steps });
    const { digest } = await read(server, id);
    const reply = await decide(server, id, `approve?auto_run=true&digest=${digest}`);
    expectError(reply, 'validation_error');
    expect([await artifacts(server), (await read(server, id)).status]).toEqual([0, 'draft']);
  });

  test('is not approved with two steps of one id', async () => {
    const server = await startServer();
    const step = { id: 's', kind: 'prompt', text: 'x' };
    const id = await drop(server, { steps: [step, step] });
    expectError(await decide(server, id, 'approve'), 'validation_error');
    expect(await artifacts(server)).toBe(0);
  });

  test('is not approved, nor sent to a model, with a token in it', async () => {
    const server = await startServer();
    const id = await drop(server, { context: { note: `use ${server.host.token('admin')}` } });
    const reply = await decide(server, id, 'approve?auto_run=true');
    expectError(reply, 'contains_secret');
    expect(reply.text).not.toContain(server.host.token('admin'));
    expect(await artifacts(server)).toBe(0);
    expect((await decide(server, id, 'reject')).status).toBe(200);
  });
});

describe('a decided draft whose file says that it waits again', () => {
  /** Writes `more` over what the file says. */
  async function rewrite(server: TestServer, id: string, more: object) {
    const text = await readFile(fileOf(server, id), 'utf8');
    await writeFile(fileOf(server, id), JSON.stringify({ ...JSON.parse(text), ...more }));
  }
  const failedDraft = async (server: TestServer) => {
    const nowhere = { type: 'openai_compat', base_url: 'http://127.0.0.1:1/v1', model: 'm' };
    const body = { active: 'nowhere', providers: { nowhere } };
    await server.request('PUT', '/ops/provider', { role: 'admin', body });
    const made = await server.request('POST', '/ops/generate?prompt=x', { role: 'admin' });
    return Draft.parse(made.body).id;
  };
  const ends: [string, (server: TestServer) => Promise<string>][] = [
    ['error', failedDraft],
    [
      'rejected',
      async (server) => {
        const { id } = await newDraft(server);
        await decide(server, id, 'reject');
        return id;
      },
    ],
    [
      'approved',
      async (server) => {
        const { id } = await newDraft(server);
        await approve(server, id);
        return id;
      },
    ],
  ];

  test.each(ends)('stays what it is: %s', async (status, end) => {
    const server = await startServer();
    const id = await end(server);
    const before = await read(server, id);
    expect(before.status).toBe(status);
    const count = await artifacts(server);
    const waits = { status: 'draft', error: null, approved_id: null, content: 'other' };
    const refused = async (at: TestServer) => {
      for (const how of ['approve', 'reject'])
        expectError(await decide(at, id, how), 'conflict_state');
      const edit = { role: 'admin', body: { prompt: 'other' } } as const;
      expectError(await at.request('PUT', `/ops/drafts/${id}`, edit), 'conflict_state');
      const { approved_id } = before;
      expect(await read(at, id)).toMatchObject({ status, approved_id });
      expect(await artifacts(at)).toBe(count);
    };
    await rewrite(server, id, waits);
    await refused(server);
    const listed = await server.request('GET', '/ops/drafts?status=draft', { role: 'actions' });
    expect(listed.body).toEqual([]);
    const later = await server.restart();
    await refused(later);
    // Its file is put right soon after the start, with all else that need not be waited for.
    const inFile = async () => JSON.parse(await readFile(fileOf(later, id), 'utf8'));
    await expect.poll(inFile, { timeout: 30_000 }).toMatchObject({ status });
  });
});
