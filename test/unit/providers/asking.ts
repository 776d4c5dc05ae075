import { afterEach, beforeEach, expect, vi } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { ModelRequest, ModelTarget } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';
import type { ModelTimings } from '../../../src/providers/watch.ts';
import { type Behaviour, type ModelServer, startModelServer } from '../../fixtures/model-server.ts';

export const key = 'sk-test-0123456789abcdef';
const noFacts = {
  overview: async () => ({ branch: null, changed: 0, files: 0 }),
  matches: async () => [],
};

/** The server that is asked, anew for each test. */
export let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await server.close();
});

export const target = (more: Partial<ModelTarget> = {}): ModelTarget => ({
  name: 'local',
  type: 'openai_compat',
  model: 'test-model',
  base_url: server.url,
  origin: server.origin,
  api_key: key,
  ...more,
});

/** Asks with short waits; `waits` are the pauses before retries, none of which is waited for. */
export function setUp(timeouts: Partial<ModelTimings> = {}) {
  const waits: number[] = [];
  const pieces: string[] = [];
  const models = createModels({
    facts: noFacts,
    timeouts: {
      wait: async (ms) => {
        waits.push(ms);
      },
      ...timeouts,
    },
  });
  const ask = (more: Partial<ModelRequest> = {}, to: ModelTarget = target()) =>
    models.ask(to, {
      text: 'Say something.',
      audience: 'person',
      signal: new AbortController().signal,
      onText: (piece) => pieces.push(piece),
      ...more,
    });
  return { ask, waits, pieces };
}

/** The error of a question, which must be a provider_error without the key or a cause that could hold it. */
export async function failureOf(asked: Promise<unknown>): Promise<GimoError> {
  const error: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!GimoError.is(error, 'provider_error')) throw new Error(`not a provider_error: ${error}`);
  expect(error.message).not.toContain(key);
  expect(error.cause).toBeUndefined();
  return error;
}

export async function failureAfter(...behaviours: [Behaviour, ...Behaviour[]]) {
  server.script(...behaviours);
  const { ask, waits, pieces } = setUp();
  const error = await failureOf(ask());
  return { error, message: error.message, waits, pieces };
}
