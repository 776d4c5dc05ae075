import { rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { behave } from '../../fixtures/model-server.ts';
import { startServer } from '../harness.ts';
import {
  approve,
  approveAndRun,
  post,
  readRun,
  serverWith,
  setProvider,
  startModels,
  startRun,
  texts,
  whenEnded,
  whenIn,
} from './support.ts';

describe('a run ends in error, and says why', () => {
  it('when it takes longer than run_timeout_s', async () => {
    const models = await startModels();
    const server = await serverWith(models, { config: { run_timeout_s: 1 } });
    models.script(behave.hang());
    const { id } = await approveAndRun(server);
    const run = await whenEnded(server, id);
    expect(run.status).toBe('error');
    expect(run.error).toContain('longer than 1 seconds');
  });

  it.each([
    ['refuses the key', behave.echoKey()],
    ['does not know the model', behave.notFound()],
    ['cuts the connection', behave.cutMidway()],
    ['reports an error in the middle', behave.errorMidway()],
    ['says nothing', behave.empty()],
    ['answers with a web page', behave.page()],
    ['redirects elsewhere', behave.redirect('http://127.0.0.1:9/')],
    ['declines', behave.refusal()],
  ])('when the provider %s', async (_what, behaviour) => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behaviour);
    const run = await whenEnded(server, (await approveAndRun(server)).id);
    expect(run.status).toBe('error');
    expect(run.error).toMatch(/provider "test"/);
    expect(run.steps).toMatchObject([{ status: 'error', result: null }]);
    expect(JSON.stringify(run)).not.toContain('the-key-of');
    expect(run.log.at(-1)).toMatchObject({ level: 'ERROR', msg: run.error });
  });

  it('when nobody listens where the provider should be', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    await setProvider(server, 'http://127.0.0.1:9/v1');
    const run = await whenEnded(server, (await approveAndRun(server)).id);
    expect(run.status).toBe('error');
    expect(run.error).toMatch(/provider "test"/);
  });
});

describe('a provider that was changed after the approval', () => {
  it('blocks the artifact, until it is set back', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    const { approved } = await approve(server);
    await setProvider(server, models.url, 'another-model');
    const shown = await server.request('GET', `/ops/approved/${approved.id}`, { role: 'actions' });
    expect(shown.body).toMatchObject({ runnable: false });
    const refused = await post(server, '/ops/runs', { approved_id: approved.id });
    expect([refused.status, refused.body]).toMatchObject([403, { code: 'approval_invalid' }]);
    expect(models.requests).toEqual([]);
    await setProvider(server, models.url);
    expect((await whenEnded(server, (await startRun(server, approved.id)).id)).status).toBe('done');
  });

  it('ends a run that was waiting for its turn, before anything is sent', async () => {
    const models = await startModels();
    const other = await startModels();
    const server = await serverWith(models, { config: { max_concurrent_runs: 1 } });
    const free = Promise.withResolvers<void>();
    models.script(behave.slow(free.promise));
    await approveAndRun(server);
    const waiting = await approveAndRun(server);
    await models.waitForRequest();
    await setProvider(server, other.url);
    free.resolve();
    const run = await whenEnded(server, waiting.id);
    expect(run).toMatchObject({ status: 'error', attempt: 0 });
    expect(run.error).toContain('not set up as it was');
    expect([models.requests.length, other.requests.length]).toEqual([1, 0]);
  });
});

describe('approve and run in one', () => {
  it('is what default_auto_run does, unless the caller says otherwise', async () => {
    const server = await startServer();
    expect((await approve(server)).run).toBeNull();
    expect((await approve(server, { auto_run: true })).run).toMatchObject({ status: 'pending' });
    await server.request('PUT', '/ops/config', { role: 'admin', body: { default_auto_run: true } });
    const { run, approved } = await approve(server);
    expect(run).toMatchObject({ approved_id: approved.id });
    expect((await approve(server, { auto_run: false })).run).toBeNull();
    expect((await whenEnded(server, run?.id ?? '')).status).toBe('done');
  });

  it('tells in run_error why no run was made; the approval stands', async () => {
    const server = await startServer();
    const { id } = z
      .object({ id: z.string() })
      .parse((await post(server, '/ops/drafts', { prompt: 'p' })).body);
    await server.request('PUT', '/ops/config', {
      role: 'admin',
      body: { approval_ttl_minutes: 1 },
    });
    const runs = `${server.host.ledgerDir}/runs`;
    // The ledger cannot take an entry: a file stands where its folder was.
    await rename(runs, `${runs}.away`);
    await writeFile(runs, '');
    const reply = await post(server, `/ops/drafts/${id}/approve`, { auto_run: true });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ approved: { draft_id: id, runnable: true }, run: null });
    expect(z.object({ run_error: z.string() }).parse(reply.body).run_error).toContain('ENOTDIR');
  });
});

describe('a start on the same directory', () => {
  it('goes on where it was: what waits begins, the middle is repeated, the end stays', async () => {
    const models = await startModels();
    const server = await serverWith(models, { config: { max_concurrent_runs: 1 } });
    const done = await whenEnded(server, (await approveAndRun(server)).id);
    await models.waitForRequest();
    models.script(behave.hangMidway('Half a line'));
    const [middle, waiting] = [await approveAndRun(server), await approveAndRun(server)];
    await models.waitForRequest();
    await whenIn(server, middle.id, 'running');
    expect((await readRun(server, waiting.id)).status).toBe('pending');
    models.script(behave.words('The whole answer.'));
    const next = await server.restart();
    await models.waitForClosed();
    const resumed = await whenEnded(next, middle.id);
    expect(resumed).toMatchObject({ status: 'done', attempt: 2 });
    expect(texts(resumed)).toEqual([
      ...['Run created', 'Execution started', 'Provider: test (test-model)', 'Half a line'],
      ...['Execution resumed', 'Provider: test (test-model)', 'The whole answer.'],
      'Execution completed',
    ]);
    expect(await whenEnded(next, waiting.id)).toMatchObject({ status: 'done', attempt: 1 });
    expect(await readRun(next, done.id)).toEqual(done);
    expect(models.requests).toHaveLength(4);
  });
});
