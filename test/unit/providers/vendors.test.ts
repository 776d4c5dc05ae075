import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelAnswer, ModelRequest, ModelTarget } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';
import {
  type Behaviour,
  behave,
  type ModelServer,
  startModelServer,
} from '../../fixtures/model-server.ts';
import { anthropic, gemini } from '../../fixtures/vendors.ts';

/* The presets against the wire forms of their vendors. Their base URLs are asked for in presets.test.ts. */

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const waits: number[] = [];
const models = createModels({
  facts: {
    overview: async () => ({ branch: null, changed: 0, files: 0 }),
    matches: async () => [],
  },
  timeouts: {
    wait: async (ms) => {
      waits.push(ms);
    },
  },
});

/** What a model may be held to. */
const shape = { name: 'steps', schema: { type: 'object' } };

function ask(
  type: ModelTarget['type'],
  model: string,
  ...first: [Behaviour, ...Behaviour[]]
): Promise<ModelAnswer> {
  return askFor({}, type, model, ...first);
}

function askFor(
  more: Partial<ModelRequest>,
  type: ModelTarget['type'],
  model: string,
  ...first: [Behaviour, ...Behaviour[]]
) {
  server.script(...first);
  waits.length = 0;
  const target: ModelTarget = {
    ...{ name: type, type, model, api_key: 'key-0123456789' },
    // As the vendors publish theirs: with a slash at the end, and Gemini's with a path of its own.
    base_url: `${server.origin}${type === 'gemini' ? '/v1beta/openai/' : '/v1/'}`,
    origin: server.origin,
  };
  return models.ask(target, {
    ...{ text: 'Good morning.', audience: 'person', signal: new AbortController().signal },
    ...more,
  });
}

describe('the preset anthropic', () => {
  const model = 'claude-sonnet-4-5';

  it('is asked with a bearer at /v1/chat/completions', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 };
    expect(await ask('anthropic', model, anthropic.answer(usage))).toEqual({
      text: 'Good day.',
      usage: { prompt_tokens: 10, completion_tokens: 4 },
    });
    const { path, headers, body } = await server.waitForRequest();
    expect(path).toBe('/v1/chat/completions');
    expect(headers.authorization).toBe('Bearer key-0123456789');
    expect(headers['x-api-key']).toBeUndefined();
    expect(body).toMatchObject({ model, stream_options: { include_usage: true } });
  });

  it('may leave out the counts', async () => {
    expect(await ask('anthropic', model, anthropic.answer(null))).toMatchObject({
      text: 'Good day.',
      usage: null,
    });
  });

  it('is held to no shape, as it would not keep to one', async () => {
    const answer = await askFor({ shape }, 'anthropic', model, anthropic.answer(null));
    expect(answer).toEqual({ text: 'Good day.', usage: null, shaped: false });
    expect((await server.waitForRequest()).body).not.toHaveProperty('response_format');
  });

  it('is asked again when it is overloaded, which it tells with 529', async () => {
    const busy = anthropic.nativeError(529, 'overloaded_error', 'Overloaded');
    const answer = await ask('anthropic', model, busy, anthropic.answer(null));
    expect(answer.text).toBe('Good day.');
    expect(waits).toHaveLength(1);
  });

  it.each([
    [
      'a request that it does not take',
      anthropic.error(400, 'invalid_request_error', 'max_tokens: too large'),
      /refused the request \(400\)\. It says: max_tokens: too large/,
    ],
    [
      'a model that it does not have',
      anthropic.error(404, 'not_found_error', 'model: claude-0'),
      /knows no model "claude-sonnet-4-5".*model: claude-0/,
    ],
    [
      'a key that it does not take',
      anthropic.nativeError(401, 'authentication_error', 'Invalid bearer token'),
      /refused the API key \(401\)/,
    ],
    [
      'a failure in the middle',
      behave.events('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
      /Overloaded/,
    ],
  ])('tells %s', async (_what, behaviour, words) => {
    await expect(ask('anthropic', model, behaviour)).rejects.toMatchObject({
      code: 'provider_error',
      message: expect.stringMatching(words),
    });
  });
});

describe('the preset gemini', () => {
  const model = 'gemini-2.5-flash';

  it('is held to a shape', async () => {
    expect(await askFor({ shape }, 'gemini', model, gemini.answer())).toMatchObject({
      shaped: true,
    });
    expect((await server.waitForRequest()).body).toHaveProperty('response_format');
  });

  it('is asked at its OpenAI-compatible path, and the last counts are those of the whole', async () => {
    expect(await ask('gemini', model, gemini.answer())).toEqual({
      text: 'Good day.',
      usage: { prompt_tokens: 4, completion_tokens: 3 },
    });
    const { path, headers } = await server.waitForRequest();
    expect(path).toBe('/v1beta/openai/chat/completions');
    expect(headers.authorization).toBe('Bearer key-0123456789');
  });

  it('may leave out the counts', async () => {
    expect(await ask('gemini', model, gemini.answer(false))).toMatchObject({ usage: null });
  });

  it.each([
    [
      'a key that it does not take',
      gemini.error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'),
      /refused the request \(400\)\. It says: API key not valid\./,
    ],
    [
      'a model that it does not have',
      gemini.error(404, 'NOT_FOUND', 'models/gemini-0 is not found'),
      /knows no model "gemini-2.5-flash".*models\/gemini-0 is not found/,
    ],
    [
      'a quota that is used up',
      gemini.error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota'),
      /no more requests for now \(429\).*exceeded your current quota/,
    ],
    [
      'a failure in the middle, in a list too',
      behave.events(
        '[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]',
      ),
      /The model is overloaded\./,
    ],
  ])('tells %s', async (_what, behaviour, words) => {
    await expect(ask('gemini', model, behaviour)).rejects.toMatchObject({
      code: 'provider_error',
      message: expect.stringMatching(words),
    });
  });
});
