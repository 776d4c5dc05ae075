import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LogEntry, PromptResult } from '../../../src/contract/records.ts';
import { behave } from '../../fixtures/model-server.ts';
import type { TestServer } from '../harness.ts';
import {
  approve,
  approveAndRun,
  cancel,
  readRun,
  runWhen,
  serverWith,
  startModels,
  startRun,
  texts,
  whenEnded,
} from './support.ts';

const Log = z.object({ entries: z.array(LogEntry), next: z.int(), done: z.boolean() });
async function readLog(server: TestServer, id: string, after = 0) {
  const path = `/ops/runs/${id}/log?after=${after}`;
  return Log.parse((await server.request('GET', path, { role: 'actions' })).body);
}

describe('a run', () => {
  it('asks the approved provider in the words of the design, and keeps its answer', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.usage('The result.', 11, 5));
    const made = await approveAndRun(server, 'Fix the rounding.');
    expect(made).toMatchObject({ status: 'pending', attempt: 0, log: [] });
    expect(made.actor).toMatch(/^operator:[0-9a-f]{12}$/);
    const run = await whenEnded(server, made.id);
    expect(run).toMatchObject({ status: 'done', error: null, attempt: 1 });
    expect(run.steps).toMatchObject([{ id: 'prompt', kind: 'prompt', status: 'done' }]);
    expect(PromptResult.parse(run.steps[0]?.result)).toEqual({
      text: 'The result.',
      usage: { prompt_tokens: 11, completion_tokens: 5 },
    });
    const [request] = models.requests;
    expect(request?.headers.authorization).toBe('Bearer the-key-of-the-model-server');
    expect(request?.body).toMatchObject({
      model: 'test-model',
      messages: [
        {
          role: 'user',
          content:
            'Execute the following approved operation:\n\n--- PROMPT ---\n\nFix the rounding.\n\n--- CONTENT ---\n\n\n\nProvide the execution result.',
        },
      ],
    });
    expect(texts(run)).toEqual([
      ...['Run created', 'Execution started', 'Provider: test (test-model)'],
      ...['The result.', 'Execution completed'],
    ]);
  });

  it('tells its log while the model still talks', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    const more = Promise.withResolvers<void>();
    const words = ['First line\nsecond ', 'line\nthe ', 'end'];
    models.script(behave.words('', { words, gate: more.promise }));
    const { id } = await approveAndRun(server);
    const talking = await runWhen(server, id, (run) => texts(run).includes('First line'));
    expect(talking.status).toBe('running');
    expect(texts(talking)).not.toContain('second line');
    const so = await readLog(server, id);
    expect(so).toMatchObject({ done: false, next: so.entries.length });
    more.resolve();
    await whenEnded(server, id);
    const rest = await readLog(server, id, so.next);
    expect(rest.done).toBe(true);
    expect(rest.entries.map(({ msg, level, step }) => [level, msg, step])).toEqual([
      ['OUTPUT', 'second line', 'prompt'],
      ['OUTPUT', 'the end', 'prompt'],
      ['INFO', 'Execution completed', undefined],
    ]);
    expect((await readLog(server, id, rest.next)).entries).toEqual([]);
  });

  it('goes through several prompts, each with its own result', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.words('one'), behave.words('two'));
    const steps = ['a', 'b'].map((id) => ({ id, kind: 'prompt', text: `Do ${id}.` }));
    const { approved } = await approve(server, { steps });
    const run = await whenEnded(server, (await startRun(server, approved.id)).id);
    expect(run.steps.map(({ result }) => result)).toMatchObject([{ text: 'one' }, { text: 'two' }]);
    expect(models.requests).toHaveLength(2);
  });

  it('of a text-only artifact may be made again', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    const { approved } = await approve(server);
    const [one, two] = [await startRun(server, approved.id), await startRun(server, approved.id)];
    expect((await whenEnded(server, one.id)).status).toBe('done');
    expect((await whenEnded(server, two.id)).status).toBe('done');
    expect(one.id).not.toBe(two.id);
  });

  it('never shows a key that the model says back, not in its log nor its result', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.words('Your key is the-key-of-the-model-server indeed.'));
    const { id } = await approveAndRun(server);
    await whenEnded(server, id);
    const { text } = await server.request('GET', `/ops/runs/${id}`, { role: 'actions' });
    expect(text).toContain('Your key is [REDACTED] indeed.');
    expect(text).not.toContain('the-key-of');
  });
});

describe('at most max_concurrent_runs', () => {
  it('run at a time; the others wait, oldest first', async () => {
    const models = await startModels();
    const server = await serverWith(models, { config: { max_concurrent_runs: 2 } });
    const gates = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
    const [first, ...others] = gates.map(({ promise }) => behave.slow(promise));
    if (first === undefined) throw new Error('no behaviour');
    models.script(first, ...others);
    const { approved } = await approve(server);
    const ids: string[] = [];
    for (const _ of gates) ids.push((await startRun(server, approved.id)).id);
    await models.waitForRequest();
    await models.waitForRequest();
    const states = async () =>
      Promise.all(ids.map(async (id) => (await readRun(server, id)).status));
    expect(await states()).toEqual(['running', 'running', 'pending', 'pending']);
    expect(models.requests).toHaveLength(2);
    gates[0]?.resolve();
    gates[1]?.resolve();
    await models.waitForRequest();
    await models.waitForRequest();
    expect(await states()).toEqual(['done', 'done', 'running', 'running']);
    for (const gate of gates) gate.resolve();
    for (const id of ids) expect((await whenEnded(server, id)).status).toBe('done');
  });
});

describe('a cancel', () => {
  it('closes the connection to the provider, and a second one finds it over', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.hangMidway('So far '));
    const { id } = await approveAndRun(server);
    await models.waitForRequest();
    const reply = await cancel(server, id);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ id, status: 'cancelled', error: null });
    await models.waitForClosed();
    const again = await cancel(server, id);
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ code: 'conflict_state' });
    const run = await readRun(server, id);
    expect(texts(run).at(-1)).toBe('Run cancelled');
    // It had begun: nobody knows what of it has happened.
    expect(run.steps).toMatchObject([{ status: 'error', result: null }]);
  });

  it('stands, although the answer comes after all', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    const late = Promise.withResolvers<void>();
    models.script(behave.slow(late.promise, 'A late answer.'));
    const { id } = await approveAndRun(server);
    await models.waitForRequest();
    await cancel(server, id);
    const before = await readRun(server, id);
    late.resolve();
    await models.waitForClosed();
    // A run after it has gone all the way through the same worker.
    models.script(behave.words());
    await whenEnded(server, (await approveAndRun(server)).id);
    expect(await readRun(server, id)).toEqual(before);
  });

  it('of a waiting run ends it at once, and it never asks anybody', async () => {
    const models = await startModels();
    const server = await serverWith(models, { config: { max_concurrent_runs: 1 } });
    const free = Promise.withResolvers<void>();
    models.script(behave.slow(free.promise));
    const [first, second] = [await approveAndRun(server), await approveAndRun(server, 'Not this')];
    await models.waitForRequest();
    expect((await cancel(server, second.id)).body).toMatchObject({ status: 'cancelled' });
    free.resolve();
    expect((await whenEnded(server, first.id)).status).toBe('done');
    expect(models.requests).toHaveLength(1);
  });

  it('twice at the same moment succeeds once', async () => {
    const models = await startModels();
    const server = await serverWith(models);
    models.script(behave.hang());
    const { id } = await approveAndRun(server);
    await models.waitForRequest();
    const both = await Promise.all([cancel(server, id), cancel(server, id)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});
