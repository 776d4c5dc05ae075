import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, lock } from 'proper-lockfile';
import { expect, onTestFinished, test } from 'vitest';
import { PromptResult } from '../../../src/contract/records.ts';
import { behave } from '../../fixtures/model-server.ts';
import { startServer } from '../harness.ts';
import { approveAndRun, serverWith, startModels, whenEnded } from '../runs/support.ts';
import { newDraft } from '../wire/support.ts';

/* Defects of the Python service, by their numbers in docs/DEFECTS.md, that no other test shows the absence of. */

test('21: a torn file and an odd date break neither the list nor any other record, and are told', async () => {
  const server = await startServer();
  const whole = await newDraft(server);
  const folder = join(server.host.dataDir, 'ops', 'drafts');
  const odd = 'd_1795403042708_0ddda7';
  await writeFile(join(folder, 'd_1795403042709_70f100.json'), '{"id":"d_17954');
  await writeFile(
    join(folder, `${odd}.json`),
    JSON.stringify({ ...{ id: odd, prompt: 'x', status: 'draft' }, created_at: 'the day before' }),
  );
  const list = await server.request('GET', '/ops/drafts', { role: 'actions' });
  expect(list.status, list.text).toBe(200);
  expect(Object(list.body).map((one: unknown) => Object(one).id)).toEqual([whole.id, odd]);
  const torn = await server.request('GET', '/ops/drafts/d_1795403042709_70f100', {
    role: 'actions',
  });
  expect(torn.status).toBe(404);
  const status = await server.request('GET', '/status', { role: 'actions' });
  expect(Object(status.body).quarantined).toMatchObject([
    { file: 'quarantine/d_1795403042709_70f100.json' },
  ]);
});

test('25: a lock that another program holds on the data directory freezes no request', async () => {
  const server = await startServer();
  const ops = join(server.host.dataDir, 'ops');
  const names = ['', 'drafts', 'approved', 'runs', 'config.json', 'provider.json'];
  for (const name of names) {
    const release = await lock(join(ops, name), { realpath: false });
    onTestFinished(() => release());
    expect(await check(join(ops, name), { realpath: false })).toBe(true);
  }
  await mkdir(join(ops, '.lock'), { recursive: true });
  const draft = await newDraft(server);
  const put = await server.request('PUT', '/ops/config', { role: 'admin', body: {} });
  const approved = await server.request('POST', `/ops/drafts/${draft.id}/approve`, {
    role: 'operator',
  });
  const read = await server.request('GET', '/ops/drafts', { role: 'actions' });
  expect([put.status, approved.status, read.status]).toEqual([200, 200, 200]);
});

test('26: a result is kept whole, however long; an answer of the wrong shape is an error with a text', async () => {
  const models = await startModels();
  const server = await serverWith(models);
  const long = 'word '.repeat(20_000).trim();
  models.script(behave.words(long), behave.wrongShape());
  const done = await whenEnded(server, (await approveAndRun(server)).id);
  expect(PromptResult.parse(done.steps[0]?.result).text).toBe(long);
  const failed = await whenEnded(server, (await approveAndRun(server)).id);
  expect(failed.status).toBe('error');
  expect(failed.error?.length).toBeGreaterThan(20);
});
