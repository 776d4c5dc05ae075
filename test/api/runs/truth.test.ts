import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { table } from '../../../src/contract/operations.ts';
import { behave } from '../../fixtures/model-server.ts';
import { startServer, type TestServer } from '../harness.ts';
import {
  approve,
  approveAndRun,
  cancel,
  post,
  readRun,
  serverWith,
  startModels,
  startRun,
  texts,
  whenEnded,
  whenIn,
} from './support.ts';

const runsDir = (server: TestServer) => join(server.root, '.orch_data/ops/runs');
const fileOf = (server: TestServer, id: string) => join(runsDir(server), `${id}.json`);
/** Writes fields into a run's file, as an agent in the workspace may. */
async function rewrite(server: TestServer, id: string, fields: object, from = id) {
  const found: unknown = JSON.parse(await readFile(fileOf(server, from), 'utf8'));
  const text = JSON.stringify({ ...z.looseObject({}).parse(found), id, ...fields });
  await writeFile(fileOf(server, id), text);
}
async function listed(server: TestServer, query = '') {
  const reply = await server.request('GET', `/ops/runs?${query}`, { role: 'actions' });
  return table.listRuns.output.parse(reply.body);
}

const edit = {
  ...{ id: 'e', kind: 'edit' },
  changes: [{ path: 'a.txt', base_sha256: null, text: 'x' }],
};
/** What was approved of a draft that makes `a.txt`. */
async function approvedEdit(server: TestServer, fields: object = {}) {
  const drafted = await post(server, '/ops/drafts', { prompt: 'p', steps: [edit], ...fields });
  const { id, digest } = table.createDraft.output.parse(drafted.body);
  const reply = await post(server, `/ops/drafts/${id}/approve?digest=${digest}`);
  return table.approveDraft.output.parse(reply.body).approved;
}

describe('what the file of a run says', () => {
  it('of a live run is not believed, in a list neither', async () => {
    const models = await startModels();
    models.script(behave.hang());
    const server = await serverWith(models);
    const { id } = await approveAndRun(server);
    await whenIn(server, id, 'running');
    const steps = [{ id: 'prompt', kind: 'prompt', status: 'done', result: 'forged' }];
    await rewrite(server, id, { status: 'done', error: 'forged', finished_at: 'forged', steps });
    for (const run of [await readRun(server, id), ...(await listed(server))]) {
      expect(run).toMatchObject({ id, status: 'running', error: null, finished_at: null });
      expect(run).toMatchObject({ steps: [{ status: 'running', result: null }] });
    }
    expect(await listed(server, 'view=summary')).toMatchObject([{ status: 'running' }]);
    expect(await listed(server, 'status=done')).toEqual([]);
    expect((await cancel(server, id)).body).toMatchObject({ status: 'cancelled' });
  });

  it('of a run that is over is not believed, and a changed log says so', async () => {
    const models = await startModels();
    models.script(behave.words('The answer.'));
    const server = await serverWith(models);
    const run = await whenEnded(server, (await approveAndRun(server)).id);
    const log = [{ ts: 'x', level: 'INFO', msg: 'All tests passed' }];
    await rewrite(server, run.id, { status: 'cancelled', error: 'forged', steps: [], log });
    const warning = expect.objectContaining({ level: 'WARNING' });
    for (const shown of [await readRun(server, run.id), ...(await listed(server))])
      expect(shown).toEqual({ ...run, log: [warning, ...log] });
    const told = await server.request('GET', `/ops/runs/${run.id}/log?after=0`, {
      role: 'actions',
    });
    expect(told.body).toMatchObject({ entries: [{ level: 'WARNING' }, log[0]], done: true });
    const next = await server.restart();
    expect(await readRun(next, run.id)).toEqual({ ...run, log: [warning, ...log] });
    expect(await listed(next, 'status=done')).toHaveLength(1);
    expect(await listed(next, 'status=cancelled')).toEqual([]);
  });

  it('that GIMO did not start is no run that goes on: it reads as an error and cannot be cancelled', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    const done = await whenEnded(server, (await approveAndRun(server)).id);
    const id = 'r_1795403041827_bd91d9';
    await rewrite(server, id, { status: 'running' }, done.id);
    const shown = [await readRun(server, id), (await listed(server)).find((run) => run.id === id)];
    for (const run of shown) {
      expect(run).toMatchObject({ status: 'error' });
      expect(run?.error).toContain('GIMO did not start this run');
    }
    expect((await cancel(server, id)).status).toBe(409);
  });

  it('does not make a task of the plan look done', async () => {
    const models = await startModels();
    models.script(behave.hang());
    const server = await serverWith(models);
    const task = { id: 't', title: 't', scope: '.', description: 'd' };
    const plan = { id: 'p', title: 'p', workspace: '.', created: '2026-01-01', objective: 'o' };
    const body = { ...plan, tasks: [task] };
    await server.request('PUT', '/ops/plan', { role: 'admin', body });
    const drafted = await post(server, '/ops/drafts', { prompt: 'p', plan_task_id: 't' });
    const { id } = table.createDraft.output.parse(drafted.body);
    const approval = await post(server, `/ops/drafts/${id}/approve`, { auto_run: true });
    const run = table.approveDraft.output.parse(approval.body).run?.id ?? '';
    await cancel(server, run);
    await rewrite(server, run, { status: 'done' });
    const shown = await server.request('GET', '/ops/plan', { role: 'actions' });
    expect(shown.body).toMatchObject({ tasks: [{ status: 'blocked' }] });
  });

  it('of a run that never was is not believed, and tells nothing of a task', async () => {
    const server = await startServer();
    const task = { id: 't', title: 't', scope: '.', description: 'd' };
    const plan = { id: 'p', title: 'p', workspace: '.', created: '2026-01-01', objective: 'o' };
    const body = { ...plan, tasks: [task] };
    await server.request('PUT', '/ops/plan', { role: 'admin', body });
    const approved = await approvedEdit(server, { plan_task_id: 't' });
    const id = `r_${Date.now()}_00000a`;
    const at = new Date().toISOString();
    const times = { created_at: at, started_at: at, finished_at: at };
    const done = { ...edit, status: 'done', started_at: at, finished_at: at, result: {} };
    const forged = { id, approved_id: approved.id, status: 'done', error: null, ...times };
    await writeFile(fileOf(server, id), JSON.stringify({ ...forged, log: [], steps: [done] }));
    for (const run of [await readRun(server, id), ...(await listed(server, 'view=summary'))]) {
      expect(run.status).toBe('error');
      expect(run.error).toContain('GIMO did not start this run');
    }
    expect(await listed(server, 'status=done')).toEqual([]);
    const shown = await server.request('GET', '/ops/plan', { role: 'actions' });
    expect(shown.body).toMatchObject({ tasks: [{ status: 'in_progress' }] });
  });

  it('is not needed to look at a run that is over, nor to undo it', async () => {
    const server = await startServer();
    const approved = await approvedEdit(server);
    const run = await whenEnded(server, (await startRun(server, approved.id)).id);
    expect(run.status).toBe('done');
    await unlink(fileOf(server, run.id));
    const { log, ...rest } = await readRun(server, run.id);
    expect(rest).toEqual(Object.fromEntries(Object.entries(run).filter(([key]) => key !== 'log')));
    expect(log).toMatchObject([{ level: 'WARNING' }]);
    const next = await server.restart();
    expect((await listed(next)).map(({ id }) => id)).toEqual([run.id]);
    await unlink(fileOf(next, run.id));
    const undone = await post(next, `/ops/runs/${run.id}/undo`);
    expect(undone.body).toMatchObject({ restored: ['a.txt'], left: [] });
  });

  it('is not needed to cancel the run', async () => {
    const models = await startModels();
    models.script(behave.hang());
    const server = await serverWith(models);
    const { id } = await approveAndRun(server);
    await whenIn(server, id, 'running');
    await unlink(fileOf(server, id));
    expect(await readRun(server, id)).toMatchObject({ status: 'running' });
    expect((await cancel(server, id)).body).toMatchObject({ status: 'cancelled' });
  });
});

describe('a run that says more than a log may hold', () => {
  it('ends, its log says that it is cut, and the next start is fine', async () => {
    const models = await startModels();
    const words = ['x', ...Array<string>(12).fill('\n'.repeat(10_000)), 'y'];
    models.script(behave.words('', { words }));
    const server = await serverWith(models);
    const { id } = await approveAndRun(server);
    const run = await whenEnded(server, id);
    expect(run).toMatchObject({ status: 'done', error: null });
    expect(run.steps[0]?.result).toMatchObject({ text: words.join('') });
    expect(run.log.length).toBeLessThan(51_000);
    expect(run.log.filter(({ level }) => level === 'WARNING')).toHaveLength(1);
    expect(texts(run).at(-1)).toBe('Execution completed');
    const next = await server.restart();
    expect((await readRun(next, id)).log).toEqual(run.log);
  }, 30_000);

  it('can be cancelled while it talks', async () => {
    const models = await startModels();
    const words = ['x', ...Array<string>(12).fill('\n'.repeat(10_000))];
    models.script(behave.words('', { words, ending: 'hang' }));
    const server = await serverWith(models);
    const { id } = await approveAndRun(server);
    await models.waitForRequest();
    expect((await cancel(server, id)).body).toMatchObject({ status: 'cancelled' });
  });
});

it('a folder where the log of a run belongs keeps no server from starting', async () => {
  const models = await startModels();
  const server = await serverWith(models);
  const run = await whenEnded(server, (await approveAndRun(server)).id);
  await mkdir(join(runsDir(server), `${run.id}.log.jsonl`));
  const next = await server.restart();
  expect(await readRun(next, run.id)).toEqual(run);
  expect(await readdir(runsDir(next))).toEqual([`${run.id}.json`]);
  const kept = await readdir(join(next.root, '.orch_data/ops/quarantine'));
  expect(kept).toContain(`${run.id}.log.jsonl`);
});

it('raising max_concurrent_runs lets what waits begin', async () => {
  const models = await startModels();
  models.script(behave.hang());
  const server = await serverWith(models, { config: { max_concurrent_runs: 1 } });
  const { approved } = await approve(server);
  const first = await startRun(server, approved.id);
  const second = await startRun(server, approved.id);
  await whenIn(server, first.id, 'running');
  expect((await readRun(server, second.id)).status).toBe('pending');
  const body = { max_concurrent_runs: 2 };
  await server.request('PUT', '/ops/config', { role: 'admin', body });
  await whenIn(server, second.id, 'running');
});

it('a private key that a model says does not stand in the log', async () => {
  const models = await startModels();
  const [begin, end] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'];
  models.script(behave.words(`Here:\n${begin}\nMIIEpAIBAAKCAQEA\nAAAAsecond\n${end}\nThere.`));
  const server = await serverWith(models);
  const run = await whenEnded(server, (await approveAndRun(server)).id);
  const said = run.log.filter(({ level }) => level === 'OUTPUT').map(({ msg }) => msg);
  expect(said).toEqual(['Here:', ...Array<string>(4).fill('[REDACTED]'), 'There.']);
});
