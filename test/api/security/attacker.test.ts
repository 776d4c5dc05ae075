import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Draft } from '../../../src/contract/operations.ts';
import { Approved, ApprovedRecord, RunRecord, type Step } from '../../../src/contract/records.ts';
import { sealOf } from '../../../src/core/digest.ts';
import { isTerminal } from '../../../src/core/run-steps.ts';
import { macOf } from '../../../src/store/keys.ts';
import { behave, startModelServer } from '../../fixtures/model-server.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError } from '../wire/support.ts';

/*
 * Somebody who can write any file of the workspace, at any moment, tries to make something run that no person approved.
 * Whatever would have run leaves `loot.txt`; it is never there.
 */

const node = process.execPath;
const writes = (file: string) => ['-e', `require('fs').writeFileSync('${file}', 'x')`];
const command = (file: string): Step => ({
  id: 'c',
  kind: 'command',
  argv: [node, ...writes(file)],
});
const edit = (path: string, text: string): Step => ({
  ...{ id: 'e', kind: 'edit' },
  changes: [{ path, base_sha256: null, text }],
});
const gate: Step = { id: 'g', kind: 'gate', title: 'Go on?' };

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
  const config = { command_allowlist: [{ program: node, args_prefix: ['-e'] }] };
  const set = await server.request('PUT', '/ops/config', { role: 'admin', body: config });
  expect(set.status, set.text).toBe(200);
});

const opsDir = () => join(server.host.dataDir, 'ops');
const fileOf = (id: string) => {
  const dir = id.startsWith('d_') ? 'drafts' : id.startsWith('a_') ? 'approved' : 'runs';
  return join(opsDir(), dir, `${id}.json`);
};
const Json = z.looseObject({});
const readJson = async (path: string) => Json.parse(JSON.parse(await readFile(path, 'utf8')));
/** Writes fields over what a record's file says. */
async function rewrite(id: string, fields: object) {
  await writeFile(fileOf(id), JSON.stringify({ ...(await readJson(fileOf(id))), ...fields }));
}
async function propose(steps: Step[] | null, more: object = {}): Promise<Draft> {
  const body = { prompt: 'Do it', steps, ...more };
  const reply = await server.request('POST', '/ops/drafts', { role: 'admin', body });
  expect(reply.status, reply.text).toBe(201);
  return Draft.parse(reply.body);
}
const approveAs = (draft: Draft, more = '') =>
  server.request('POST', `/ops/drafts/${draft.id}/approve?digest=${draft.digest}${more}`, {
    role: 'operator',
  });
async function approve(steps: Step[] | null): Promise<Approved> {
  const reply = await approveAs(await propose(steps));
  expect(reply.status, reply.text).toBe(200);
  return Approved.parse(Object(reply.body).approved);
}
const run = (approved_id: string) =>
  server.request('POST', '/ops/runs', { role: 'operator', body: { approved_id } });
const readRun = async (id: string) =>
  RunRecord.parse((await server.request('GET', `/ops/runs/${id}`, { role: 'actions' })).body);
/** The run once it is in such a state. */
async function whenIn(id: string, wanted: (status: RunRecord['status']) => boolean) {
  const reached = Promise.withResolvers<RunRecord>();
  const look = async () => {
    const found = await readRun(id);
    if (wanted(found.status)) reached.resolve(found);
  };
  const off = server.host.onChange(({ type }) => {
    if (type === 'run') look().catch(reached.reject);
  });
  await look();
  return reached.promise.finally(off);
}
const ended = (id: string) => whenIn(id, isTerminal);
const loot = () => readFile(join(server.root, 'loot.txt'), 'utf8');
/** Nothing ran, and the audit tells of the attempt. */
async function lost(operation: string, outcome: string) {
  await expect(loot()).rejects.toMatchObject({ code: 'ENOENT' });
  const told = (await auditOf(server)).map((entry) => `${entry.operation} ${entry.outcome}`);
  expect(told).toContain(`${operation} ${outcome}`);
}

describe('who can write any file of the workspace makes nothing run', () => {
  it('by a forged artifact, with or without a seal of their own making', async () => {
    const real = await readJson(fileOf((await approve([command('fine.txt')])).id));
    for (const seal of [null, 'a'.repeat(64)]) {
      const id = `a_1795403040476_${seal === null ? 'abcdef' : 'abcdee'}`;
      await writeFile(
        fileOf(id),
        JSON.stringify({ ...real, id, seal, steps: [command('loot.txt')] }),
      );
      expectError(await run(id), 'approval_invalid');
    }
    await lost('createRun', 'approval_invalid');
  });

  it.each<[string, object]>([
    ['steps', { steps: [command('loot.txt')] }],
    ['prompt', { prompt: 'Something else' }],
    ['content', { content: 'Something else' }],
    ['context', { context: { other: true } }],
    ['digest', { digest: 'b'.repeat(64) }],
    ['approver', { approved_by: 'editor:000000000000' }],
    ['time', { expires_at: '2999-01-01T00:00:00.000Z' }],
    ['provider', { provider_resolved: null, steps: [{ id: 'p', kind: 'prompt', text: 'x' }] }],
  ])('by editing an artifact: its %s', async (_what, fields) => {
    const { id } = await approve([command('fine.txt')]);
    await rewrite(id, fields);
    expectError(await run(id), 'approval_invalid');
    await lost('createRun', 'approval_invalid');
  });

  it('by a seal that is copied from another artifact', async () => {
    const one = await approve([command('fine.txt')]);
    const other = await approve([command('loot.txt')]);
    await rewrite(other.id, { seal: one.seal, digest: one.digest });
    expectError(await run(other.id), 'approval_invalid');
    await lost('createRun', 'approval_invalid');
  });

  it('by a seal that an older or another key has made', async () => {
    const { id } = await approve([command('loot.txt')]);
    const key = { key_id: 'f'.repeat(16), key: '7'.repeat(64) };
    const record = ApprovedRecord.parse({ ...(await readJson(fileOf(id))), key_id: key.key_id });
    await rewrite(id, { key_id: key.key_id, seal: sealOf(record, { mac: macOf(key) }) });
    expectError(await run(id), 'approval_invalid');
    await lost('createRun', 'approval_invalid');
  });

  it('by replaying an artifact under another name', async () => {
    const { id } = await approve([command('once.txt')]);
    await ended(Object((await run(id)).body).id);
    await rm(join(server.root, 'once.txt'));
    const copy = 'a_1795403040477_abcdef';
    await copyFile(fileOf(id), fileOf(copy));
    const asked = await run(copy);
    expect([403, 404]).toContain(asked.status);
    await rewrite(id, {});
    await writeFile(fileOf(copy), JSON.stringify({ ...(await readJson(fileOf(id))), id: copy }));
    expectError(await run(copy), 'approval_invalid');
    await expect(readFile(join(server.root, 'once.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
    await lost('createRun', 'approval_invalid');
  });

  it('by resetting consumed_by, before or after a restart', async () => {
    const { id } = await approve([command('once.txt')]);
    const first = await ended(Object((await run(id)).body).id);
    expect(first).toMatchObject({ status: 'done' });
    await rm(join(server.root, 'once.txt'));
    await rewrite(id, { consumed_by: null });
    expectError(await run(id), 'approval_consumed');
    await rm(fileOf(first.id));
    server = await server.restart();
    await rewrite(id, { consumed_by: null });
    expectError(await run(id), 'approval_consumed');
    await expect(readFile(join(server.root, 'once.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
    await lost('createRun', 'approval_consumed');
  });

  it('by marking a gate as done in the file of a run', async () => {
    const { id } = await approve([gate, command('loot.txt')]);
    const { id: runId } = Object((await run(id)).body);
    const held = await whenIn(runId, (status) => status === 'paused');
    const steps = held.steps.map((step) => ({ ...step, status: 'done' }));
    await rewrite(runId, { status: 'running', steps });
    expect(await readRun(runId)).toMatchObject({ status: 'paused' });
    server = await server.restart();
    await rewrite(runId, { status: 'pending', steps });
    expect(await readRun(runId)).toMatchObject({ status: 'paused' });
    expect((await readRun(runId)).steps.map(({ status }) => status)).toEqual([
      'running',
      'waiting',
    ]);
    await expect(loot()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('by changing the artifact of a run that waits at a gate', async () => {
    const { id } = await approve([gate, command('fine.txt')]);
    const { id: runId } = Object((await run(id)).body);
    await whenIn(runId, (status) => status === 'paused');
    await rewrite(id, { steps: [gate, command('loot.txt')] });
    await server.request('POST', `/ops/runs/${runId}/resume`, { role: 'operator' });
    expect(await ended(runId)).toMatchObject({ status: 'error' });
    await lost('beginRun', 'approval_invalid');
  });

  it('by a run file that no run of the ledger stands behind', async () => {
    const { id: approved_id } = await approve([command('loot.txt')]);
    const id = 'r_1795403040477_abcdef';
    const at = '2026-11-23T10:00:00.000Z';
    const forged = {
      id,
      approved_id,
      status: 'pending',
      created_at: at,
      steps: [],
      actor: 'editor:1',
    };
    await writeFile(fileOf(id), JSON.stringify(forged));
    server = await server.restart();
    expect(await readRun(id)).toMatchObject({ status: 'error' });
    await lost('endUnknownRun', 'done');
  });

  it('by a config.json with a wider allowlist', async () => {
    const narrow = { command_allowlist: [] };
    await server.request('PUT', '/ops/config', { role: 'admin', body: narrow });
    const wide = {
      command_allowlist: [{ program: node, args_prefix: [] }],
      approval_channel: 'any',
    };
    await writeFile(join(opsDir(), 'config.json'), JSON.stringify(wide));
    const { id } = await approve([command('loot.txt')]);
    expectError(await run(id), 'step_unsupported');
    server = await server.restart();
    expectError(await run(id), 'step_unsupported');
    await expect(loot()).rejects.toMatchObject({ code: 'ENOENT' });
    const waits = await server.request('GET', '/ops/changes', { role: 'operator' });
    expect(waits.body).toMatchObject([{ what: 'config' }]);
  });

  it('by a provider.json that sends prompt and key elsewhere', async () => {
    const [mine, theirs] = [await startModelServer(), await startModelServer()];
    mine.script(behave.words('An answer.'));
    const test = {
      type: 'openai_compat',
      base_url: mine.url,
      model: 'm',
      api_key: 'key-of-mine-1234',
    };
    const body = { active: 'test', providers: { test } };
    await server.request('PUT', '/ops/provider', { role: 'admin', body });
    const { id } = await approve(null);
    const elsewhere = { ...test, base_url: theirs.url, api_key: `\${secret:provider.test}` };
    const file = { active: 'test', providers: { test: elsewhere } };
    await writeFile(join(opsDir(), 'provider.json'), JSON.stringify(file));
    const first = await ended(Object((await run(id)).body).id);
    expect(first).toMatchObject({ status: 'done' });
    server = await server.restart();
    await run(id);
    expect([mine.requests.length > 0, theirs.requests]).toEqual([true, []]);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('by changing a draft between the look and the yes', async () => {
    const shown = await propose([command('fine.txt')]);
    await rewrite(shown.id, { steps: [command('loot.txt')] });
    expectError(await approveAs(shown, '&auto_run=true'), 'stale');
    await lost('approveDraft', 'stale');
  });

  it('by a draft that says it is approved, with an artifact of their own', async () => {
    const draft = await propose([command('loot.txt')]);
    const id = 'a_1795403040478_abcdef';
    const artifact = { ...draft, id, draft_id: draft.id, seal: 'c'.repeat(64), key_id: 'x' };
    const more = { content: '', approved_at: draft.created_at, approved_by: 'editor:1', status: 1 };
    await writeFile(fileOf(id), JSON.stringify({ ...artifact, ...more, consumed_by: null }));
    await rewrite(draft.id, { status: 'approved', approved_id: id });
    expectError(await run(id), 'approval_invalid');
    expectError(await run(draft.id), 'draft_id_not_runnable');
    await lost('createRun', 'approval_invalid');
  });

  it('by putting a link where an approved edit will write', async () => {
    const outside = join(server.dir, 'outside');
    await mkdir(outside);
    await mkdir(join(server.root, 'docs'));
    const { id } = await approve([gate, edit('docs/loot.txt', 'x')]);
    const { id: runId } = Object((await run(id)).body);
    await whenIn(runId, (status) => status === 'paused');
    await rename(join(server.root, 'docs'), join(server.root, 'docs.away'));
    await symlink(outside, join(server.root, 'docs'));
    await server.request('POST', `/ops/runs/${runId}/resume`, { role: 'operator' });
    expect(await ended(runId)).toMatchObject({ status: 'error' });
    await expect(readFile(join(outside, 'loot.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('by changing the file that an approved edit was made from', async () => {
    const path = join(server.root, 'a.txt');
    await writeFile(path, 'before\n');
    const steps = [{ ...edit('a.txt', 'after\n'), changes: [{ path: 'a.txt', text: 'after\n' }] }];
    const draft = await propose(z.custom<Step[]>().parse(steps));
    const { id } = Approved.parse(Object((await approveAs(draft)).body).approved);
    await writeFile(path, 'theirs\n');
    expect(await ended(Object((await run(id)).body).id)).toMatchObject({ status: 'error' });
    expect(await readFile(path, 'utf8')).toBe('theirs\n');
  });

  it('by taking lines out of the audit afterwards', async () => {
    await approve([command('fine.txt')]);
    const dir = join(opsDir(), 'audit');
    const [name = ''] = (await readdir(dir)).filter((entry) => entry.endsWith('.jsonl'));
    const file = join(dir, name);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    await writeFile(file, `${lines.filter((_line, at) => at !== 1).join('\n')}\n`);
    const verdict = await server.request('GET', '/ops/audit/verify', { role: 'operator' });
    expect(verdict.body).toMatchObject({ verdict: 'modified' });
    expect(lines.length).toBeGreaterThan(2);
  });
});
