import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Plan } from '../../../src/contract/records.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, expectError, newDraft } from '../wire/support.ts';

const task = (id: string) => ({ id, title: id, scope: 'src', description: 'Do it' });
const plan = {
  ...{ id: 'p1', title: 'Plan', workspace: '.', created: '2026-01-01', objective: 'Tidy up' },
  tasks: [task('a'), { ...task('b'), status: 'blocked' }],
};

async function statuses(server: TestServer): Promise<string[]> {
  const reply = await server.request('GET', '/ops/plan', { role: 'actions' });
  return Plan.parse(reply.body).tasks.map(({ status }) => status);
}

async function started(): Promise<TestServer> {
  const server = await startServer();
  const set = await server.request('PUT', '/ops/plan', { role: 'admin', body: plan });
  expect(set.status).toBe(200);
  return server;
}

/** Resolves when a run of this artifact is over. */
function runOver(server: TestServer): Promise<void> {
  return new Promise((resolve) => {
    server.host.onChange(({ type, id }) => {
      if (type !== 'run' || id === null) return;
      void server.host.client.call('getRun', { run_id: id }).then(({ status }) => {
        if (['done', 'error', 'cancelled'].includes(status)) resolve();
      });
    });
  });
}

describe('a file that is no plan', () => {
  it.each([
    ['torn', '{ "id": oops', /plan\.json is not a plan\. .*not JSON.*Mend the file/],
    ['of another shape', '{"id": "p"}', /plan\.json is not a plan\. title: /],
    ['empty', '', /plan\.json is not a plan\./],
  ])('and is %s is told apart from none, until it is mended', async (_how, text, words) => {
    const server = await started();
    const file = path.join(server.root, '.orch_data/ops/plan.json');
    const whole = readFileSync(file);
    writeFileSync(file, text);
    const broken = await server.request('GET', '/ops/plan', { role: 'actions' });
    expectError(broken, 'storage_error');
    expect(Object(broken.body).detail).toMatch(words);
    writeFileSync(file, whole);
    expect(await statuses(server)).toEqual(['pending', 'blocked']);
    rmSync(file);
    const none = await server.request('GET', '/ops/plan', { role: 'actions' });
    expectError(none, 'not_found');
  });
});

describe('the status of a task', () => {
  it('is the one of the plan as long as it has no draft', async () => {
    expect(await statuses(await started())).toEqual(['pending', 'blocked']);
  });

  it('follows its newest draft and run, over a restart too', async () => {
    const server = await started();
    const draft = await newDraft(server, { plan_task_id: 'b' });
    expect(await statuses(server)).toEqual(['pending', 'pending']);
    const artifact = await approve(server, draft.id);
    expect(await statuses(server)).toEqual(['pending', 'in_progress']);
    const over = runOver(server);
    const body = { approved_id: artifact.id };
    await server.request('POST', '/ops/runs', { role: 'operator', body });
    await over;
    expect(await statuses(server)).toEqual(['pending', 'done']);
    const next = await server.restart();
    expect(await statuses(next)).toEqual(['pending', 'done']);
    const again = await newDraft(next, { plan_task_id: 'b' });
    expect(await statuses(next)).toEqual(['pending', 'pending']);
    await next.request('POST', `/ops/drafts/${again.id}/reject`, { role: 'admin' });
    expect(await statuses(next)).toEqual(['pending', 'blocked']);
    // Approved again, it belongs to the same task.
    const path = `/ops/approved/${artifact.id}/redraft`;
    const redrafted = await next.request('POST', path, { role: 'admin' });
    expect(redrafted.body).toMatchObject({ plan_task_id: 'b' });
    expect(await statuses(next)).toEqual(['pending', 'pending']);
  });
});

describe('a draft of a task', () => {
  const asked = { prompt: 'Do it', plan_task_id: 'a' };

  it.each([['/ops/drafts'], ['/ops/generate']])(
    'is made by POST %s for a task of the plan, and refused for any other',
    async (path) => {
      const server = await started();
      const made = await server.request('POST', path, { role: 'agent', body: asked });
      expect(made).toMatchObject({ status: 201, body: { plan_task_id: 'a' } });
      const body = { ...asked, plan_task_id: 'z' };
      const refused = await server.request('POST', path, { role: 'agent', body });
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'validation_error', detail: [{ loc: ['body', 'plan_task_id'] }] },
      });
      const drafts = await server.request('GET', '/ops/drafts', { role: 'actions' });
      expect(drafts.body).toHaveLength(1);
    },
  );

  it('is refused where there is no plan', async () => {
    const server = await startServer();
    const reply = await server.request('POST', '/ops/drafts', { role: 'admin', body: asked });
    expect(reply.status).toBe(422);
  });
});
