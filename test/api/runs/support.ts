import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { table } from '../../../src/contract/operations.ts';
import { RunRecord, type RunStatus } from '../../../src/contract/records.ts';
import { isTerminal } from '../../../src/core/run-steps.ts';
import { type ModelServer, startModelServer } from '../../fixtures/model-server.ts';
import { type Reply, type StartOptions, startServer, type TestServer } from '../harness.ts';

/** A model server that stops when the test has finished. */
export async function startModels(): Promise<ModelServer> {
  const models = await startModelServer();
  onTestFinished(() => models.close());
  return models;
}

/** A server whose active provider is this model server. */
export async function serverWith(
  models: ModelServer,
  options: StartOptions & { config?: object } = {},
): Promise<TestServer> {
  const { config, ...rest } = options;
  const server = await startServer(rest);
  await setProvider(server, models.url);
  if (config !== undefined) await put(server, '/ops/config', config);
  return server;
}

export function setProvider(server: TestServer, base_url: string, model = 'test-model') {
  const test = { type: 'openai_compat', base_url, model, api_key: 'the-key-of-the-model-server' };
  return put(server, '/ops/provider', { active: 'test', providers: { test } });
}

async function put(server: TestServer, path: string, body: object) {
  const reply = await server.request('PUT', path, { role: 'admin', body });
  if (reply.status !== 200) throw new Error(`${path} answered ${reply.status}: ${reply.text}`);
}

export const post = (server: TestServer, path: string, body?: unknown): Promise<Reply> =>
  server.request('POST', path, { role: 'admin', body });

/** Creates a draft and approves it. */
export async function approve(
  server: TestServer,
  options: { prompt?: string; steps?: unknown[]; auto_run?: boolean } = {},
) {
  const { prompt = 'Do it.', steps, auto_run } = options;
  const drafted = await post(server, '/ops/drafts', { prompt, steps });
  const { id } = z.object({ id: z.string() }).parse(drafted.body);
  const reply = await post(server, `/ops/drafts/${id}/approve`, { auto_run });
  return table.approveDraft.output.parse(reply.body);
}

export async function startRun(server: TestServer, approvedId: string): Promise<RunRecord> {
  const reply = await server.request('POST', '/ops/runs', {
    ...{ role: 'operator', body: { approved_id: approvedId } },
  });
  return RunRecord.parse(reply.body);
}

/** Approves new work and starts it. */
export async function approveAndRun(server: TestServer, prompt = 'Do it.'): Promise<RunRecord> {
  const { approved } = await approve(server, { prompt });
  return startRun(server, approved.id);
}

export async function readRun(server: TestServer, id: string): Promise<RunRecord> {
  const reply = await server.request('GET', `/ops/runs/${id}`, { role: 'actions' });
  return RunRecord.parse(reply.body);
}

/** Resolves as soon as a run is as wanted; looks whenever the server tells of a change. */
export function runWhen(
  server: TestServer,
  id: string,
  wanted: (run: RunRecord) => boolean,
): Promise<RunRecord> {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const run = await readRun(server, id);
      if (!wanted(run)) return;
      stop();
      resolve(run);
    };
    const stop = server.host.onChange(() => void look().catch(reject));
    look().catch(reject);
  });
}

export const whenEnded = (server: TestServer, id: string): Promise<RunRecord> =>
  runWhen(server, id, (run) => isTerminal(run.status));

export const whenIn = (server: TestServer, id: string, status: RunStatus): Promise<RunRecord> =>
  runWhen(server, id, (run) => run.status === status);

export const cancel = (server: TestServer, id: string): Promise<Reply> =>
  server.request('POST', `/ops/runs/${id}/cancel`, { role: 'operator' });

export const texts = (run: Pick<RunRecord, 'log'>): string[] => run.log.map(({ msg }) => msg);
