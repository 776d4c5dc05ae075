import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Draft } from '../../../src/contract/operations.ts';
import { Approved, RunRecord } from '../../../src/contract/records.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, auditOf, expectError } from '../wire/support.ts';
import { changesOf, decide, fileOf, importedDir } from './support.ts';

const fixture = fileURLToPath(new URL('../../fixtures/upstream-data', import.meta.url));
const plainKey = 'k-plain-secret-123';

const list = async <T extends z.ZodType>(server: TestServer, what: string, schema: T) =>
  z.array(schema).parse((await server.request('GET', `/ops/${what}`, { role: 'actions' })).body);
const open = async () => startServer({ dir: await importedDir() });

async function textsBelow(dir: string): Promise<string> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}

describe('a data directory that the Python service wrote', () => {
  it('opens, and nothing of it is lost', async () => {
    const server = await open();
    for (const [what, schema] of [
      ['drafts', Draft],
      ['approved', Approved],
      ['runs', RunRecord],
    ] as const) {
      const names = (await readdir(join(fixture, what))).sort().reverse();
      const found = await list(server, what, schema);
      expect(found.map(({ id }) => `${id}.json`)).toEqual(names);
      for (const record of found) {
        const before: unknown = JSON.parse(
          await readFile(join(fixture, what, `${record.id}.json`), 'utf8'),
        );
        const { status, log, ...kept } = Object(before);
        expect(record).toMatchObject(kept);
        if (what === 'runs') expect(Object(record).log.slice(0, log.length)).toEqual(log);
        else expect(Object(record).status).toBe(status);
      }
    }
    expect((await server.request('GET', '/ops/plan', { role: 'actions' })).status).toBe(200);
  });

  it('loses nothing when it is cleaned up, however old it is', async () => {
    const dir = await importedDir();
    const over = `d_1_${'0'.repeat(6)}`;
    const at = '2001-01-01T00:00:00Z';
    const rejected = { id: over, prompt: 'x', status: 'rejected', created_at: at, updated_at: at };
    const drafts = join(dir, 'work', '.orch_data', 'ops', 'drafts');
    await writeFile(join(drafts, `${over}.json`), JSON.stringify(rejected));
    // As it would be in some years: the Python service's own draft is older than any limit.
    const name = 'd_1795403040913_c825eb.json';
    const theirs = await readFile(join(drafts, name), 'utf8');
    await writeFile(join(drafts, name), theirs.replace('2026-11-23', '2001-01-01'));
    const server = await startServer({ dir });
    await new Promise<void>((resolve) => {
      server.host.onChange(({ id }) => {
        if (id === over) resolve();
      });
    });
    const left = async (what: string) =>
      (await readdir(fileOf(server, what))).filter((file) => file.endsWith('.json')).length;
    expect([await left('drafts'), await left('approved'), await left('runs')]).toEqual([5, 9, 9]);
    expect((await auditOf(server)).filter(({ target }) => target === over)).toMatchObject([
      { operation: 'cleanUpDraft', actor: 'system', outcome: 'intent' },
      { operation: 'cleanUpDraft', actor: 'system', outcome: 'done' },
    ]);
  });

  it('runs nothing by itself: what was under way ends in an error, in words', async () => {
    const server = await open();
    const runs = await list(server, 'runs', RunRecord);
    const ended = runs.filter(({ status }) => status === 'error');
    expect(ended.map(({ id }) => id.slice(-6)).sort()).toEqual(
      ['0a359e', '0b0854', '11ec06', '4e2e67', 'd1787c'].sort(),
    );
    expect(runs.filter(({ status }) => status === 'done')).toHaveLength(4);
    for (const { error, log } of ended) {
      expect(error).toMatch(/GIMO did not start this run/);
      expect(log.at(-1)).toMatchObject({ level: 'ERROR', msg: error });
    }
  });

  it('has its key moved out of the file, with its origin, although nothing of it is in force', async () => {
    const server = await open();
    expect(await textsBelow(server.root)).not.toContain(plainKey);
    expect(await readFile(fileOf(server, 'provider.json'), 'utf8')).toContain('secret:provider.s');
    const line = await server.whenLogged(({ message }) => /stood in provider\.json/.test(message));
    expect(line.fields).toMatchObject({ provider: 's' });
    const vault = await readFile(
      `${server.host.ledgerDir}/secrets/s_found.provider.secret`,
      'utf8',
    );
    expect(JSON.parse(vault)).toMatchObject([
      { name: 's', key: plainKey, origin: 'http://127.0.0.1:9411' },
    ]);
    expect(
      (await auditOf(server)).find(({ operation }) => operation === 'moveProviderKey'),
    ).toMatchObject({ actor: 'system', target: 's' });
    const provider = await server.request('GET', '/ops/provider', { role: 'admin' });
    expect(provider.body).toMatchObject({ active: 'offline' });
  });

  it('has what is wrong with its configuration told in words', async () => {
    const server = await open();
    const status = await server.request('GET', '/status', { role: 'actions' });
    expect(status.body).toMatchObject({ changes: 2 });
    const [config, provider] = await changesOf(server);
    expect(config).toMatchObject({
      what: 'config',
      problem: expect.stringMatching(/max_concurrent_runs/),
    });
    expect(provider).toMatchObject({ what: 'provider', problem: null });
    expectError(await decide(server, 'config', 'accept'), 'validation_error');
    await server.whenLogged(({ message }) => /max_concurrent_runs/.test(message));
    const inForce = await server.request('GET', '/ops/config', { role: 'operator' });
    expect(inForce.body).toMatchObject({ max_concurrent_runs: 3 });
  });

  it('has its key used once its provider is accepted', async () => {
    const server = await open();
    expect((await decide(server, 'provider', 'accept')).status).toBe(200);
    const vault = await readFile(`${server.host.ledgerDir}/secrets/s_provider.s.secret`, 'utf8');
    expect(JSON.parse(vault)).toEqual({ key: plainKey, origin: 'http://127.0.0.1:9411' });
    expect(await textsBelow(server.root)).not.toContain(plainKey);
  });

  it('has approvals without a seal: to be read, not to be run, and to be approved again', async () => {
    const server = await open();
    const approved = await list(server, 'approved', Approved);
    expect(approved.every(({ runnable }) => !runnable)).toBe(true);
    const [old] = approved;
    if (old === undefined) throw new Error('no approval');
    expect(old.blocked_reason).toMatch(/no seal/);
    const body = { approved_id: old.id };
    expectError(
      await server.request('POST', '/ops/runs', { role: 'admin', body }),
      'approval_invalid',
    );
    const path = `/ops/approved/${old.id}/redraft`;
    const again = await server.request('POST', path, { role: 'admin' });
    expect(again.status, again.text).toBe(201);
    const draft = Draft.parse(again.body);
    const { prompt, content, context, steps } = old;
    expect(draft).toMatchObject({
      prompt,
      content,
      context,
      steps,
      status: 'draft',
      source: 'api',
    });
    expect((await approve(server, draft.id)).runnable).toBe(true);
  });

  it('has no approval that a draft id leads to', async () => {
    const server = await open();
    for (const id of ['a_1_abcdef', 'd_1795403040476_dfbc34', '..%2Fconfig'])
      expectError(
        await server.request('POST', `/ops/approved/${id}/redraft`, { role: 'admin' }),
        'not_found',
      );
  });
});
