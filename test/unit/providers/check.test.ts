import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { ModelTarget } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';
import {
  type Behaviour,
  behave,
  type ModelServer,
  portOfNobody,
  startModelServer,
} from '../../fixtures/model-server.ts';
import { anthropic, gemini, listing } from '../../fixtures/vendors.ts';

const key = 'sk-test-0123456789abcdef';
const facts = {
  overview: async () => ({ branch: null, changed: 0, files: 0 }),
  matches: async () => [],
};
const models = createModels({ facts });

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

const target = (more: Partial<ModelTarget> = {}): ModelTarget => ({
  ...{ name: 'local', type: 'openai_compat', model: 'qwen2.5-coder:7b' },
  ...{ base_url: server.url, origin: server.origin, api_key: key },
  ...more,
});
const never = () => new AbortController().signal;
const check = (to: ModelTarget = target(), signal = never()) => models.check(to, signal);

async function failureAfter(behaviour: Behaviour, to = target()): Promise<string> {
  server.script(behaviour);
  const error: unknown = await check(to).then(
    (said) => new Error(said),
    (thrown: unknown) => thrown,
  );
  if (!GimoError.is(error, 'provider_error')) throw error;
  expect(error.message).not.toContain(key);
  expect(error.cause).toBeUndefined();
  return error.message;
}

describe('a check of a server', () => {
  it('asks for its list of models and nothing else, with the key', async () => {
    server.script(listing.openai('other', 'qwen2.5-coder:7b'));
    const at = new URL(server.url).host;
    expect(await check()).toBe(`"local" at ${at} answers, and has qwen2.5-coder:7b.`);
    const asked = server.requests.map(({ method, path, headers, body }) => {
      return [method, path, headers.authorization, body];
    });
    expect(asked).toEqual([['GET', '/v1/models', `Bearer ${key}`, null]]);
  });

  it('says so where the model is not listed, and what is', async () => {
    server.script(listing.openai('a', 'b', 'c', 'd', 'e', 'f', 'g'), behave.notFound());
    expect(await check()).toMatch(
      /answers, but does not list the model "qwen2\.5-coder:7b"\. Check its name\. It lists a, b, c, d, e and 2 more\.$/,
    );
  });

  it('finds a model that is known by a name which is not listed', async () => {
    server.script(
      listing.openai('qwen2.5-coder:latest'),
      listing.one('library/qwen2.5-coder:latest'),
    );
    expect(await check(target({ model: 'library/qwen2.5-coder' }))).toMatch(/and has library/);
    expect(server.requests[1]?.path).toBe('/v1/models/library%2Fqwen2.5-coder');
  });

  it.each([
    ['null in place of a list', listing.ollamaEmpty()],
    ['an empty list', listing.openai()],
  ])('understands %s', async (_what, list) => {
    server.script(list, behave.notFound());
    expect(await check()).toMatch(/Check its name\. It lists none\.$/);
  });

  it('understands a list that is nothing but a list', async () => {
    server.script(listing.bare('qwen2.5-coder:7b'));
    expect(await check()).toMatch(/answers, and has/);
  });

  it.each([404, 405])('says so where the server lists no models (%i)', async (status) => {
    server.script(behave.status(status));
    expect(await check()).toMatch(
      new RegExp(`answers, but does not list its models \\(${status}\\).*check its base_url`),
    );
    expect(server.requests).toHaveLength(1);
  });

  it('shows no key that the server echoes, and no control characters', async () => {
    server.script(listing.openai(`\u001b[31m${key}\nx`), behave.notFound());
    const said = await check();
    expect(said).toContain('It lists [31m[REDACTED] x.');
  });

  it('needs no key', async () => {
    server.script(listing.openai('qwen2.5-coder:7b'));
    await check(target({ api_key: null }));
    const { authorization } = server.requests[0]?.headers ?? {};
    expect(authorization).toBeUndefined();
  });
});

describe('a check fails', () => {
  it.each([
    ['with a key that is refused', behave.echoKey(401), /refused the API key \(401\)/],
    ['with a failure of the server, at once', behave.status(503, 'Busy.'), /failed \(503\).*Busy/],
    ['where too much was asked', behave.rateLimited('7'), /\(429\)\. Try again in 7 s/],
    ['with a web page', behave.page(), /web page instead of JSON/],
    ['with JSON of another shape', behave.wrongShape(), /not with a list of models/],
    ['with a redirect', behave.redirect('http://127.0.0.1:1/models'), /redirect/],
    [
      'with what is not JSON',
      { kind: 'reply', status: 200, headers: {}, body: 'Ollama is running' } as const,
      /not JSON/,
    ],
  ])('%s', async (_what, behaviour, words) => {
    expect(await failureAfter(behaviour)).toMatch(words);
    expect(server.requests).toHaveLength(1);
  });

  it('where nobody listens, with host and port', async () => {
    const port = await portOfNobody();
    const origin = `http://127.0.0.1:${port}`;
    const to = target({ base_url: `${origin}/v1`, origin });
    expect(await failureAfter(behave.hang(), to)).toContain(`Cannot connect to 127.0.0.1:${port}`);
  });

  it('before anything is sent where the origin is not the one that was accepted', async () => {
    const to = target({ origin: 'http://127.0.0.1:1' });
    expect(await failureAfter(behave.hang(), to)).toMatch(/another server/);
    expect(server.requests).toEqual([]);
  });

  it('before anything is sent with a key that no header can hold', async () => {
    expect(await failureAfter(behave.hang(), target({ api_key: 'sk-a\nsk-b' }))).not.toContain(
      'sk-a',
    );
    expect(server.requests).toEqual([]);
  });

  it('with the reason when it is aborted, and closes the connection', async () => {
    server.script(behave.hang());
    const stop = new AbortController();
    const reason = new Error('enough');
    const checked = check(target(), stop.signal);
    await server.waitForRequest();
    stop.abort(reason);
    await expect(checked).rejects.toBe(reason);
    await server.waitForClosed();
  });
});

describe('a check of a preset', () => {
  it('asks Anthropic for its models with the headers of its own API, and no bearer', async () => {
    server.script(anthropic.models('claude-sonnet-4-5-20250929'));
    const model = 'claude-sonnet-4-5-20250929';
    expect(await check(target({ type: 'anthropic', model }))).toMatch(/and has claude-sonnet/);
    const { headers } = await server.waitForRequest();
    expect(headers).toMatchObject({ 'x-api-key': key, 'anthropic-version': '2023-06-01' });
    expect(headers.authorization).toBeUndefined();
  });

  it('takes an alias of Anthropic’s for the model that it stands for', async () => {
    server.script(
      anthropic.models('claude-sonnet-4-5-20250929'),
      anthropic.model('claude-sonnet-4-5-20250929'),
    );
    expect(await check(target({ type: 'anthropic', model: 'claude-sonnet-4-5' }))).toMatch(
      /and has claude-sonnet-4-5\.$/,
    );
  });

  it('tells that Anthropic refuses the key', async () => {
    const refused = anthropic.nativeError(401, 'authentication_error', 'invalid x-api-key');
    expect(await failureAfter(refused, target({ type: 'anthropic' }))).toMatch(
      /refused the API key \(401\)/,
    );
  });

  it.each(['gemini-2.5-flash', 'models/gemini-2.5-flash'])(
    'finds a model of Gemini, with its prefix and without: %s',
    async (model) => {
      server.script(gemini.models('gemini-2.5-flash'));
      expect(await check(target({ type: 'gemini', model }))).toMatch(/answers, and has/);
      expect((await server.waitForRequest()).headers.authorization).toBe(`Bearer ${key}`);
    },
  );

  it('tells that Gemini refuses the key, which it does with 400 and a list', async () => {
    const refused = gemini.error(400, 'INVALID_ARGUMENT', 'API key not valid.');
    expect(await failureAfter(refused, target({ type: 'gemini' }))).toMatch(
      /refused the request \(400\)\. It says: API key not valid\./,
    );
  });
});

describe('a check of what is not on a network', () => {
  const here = { base_url: null, origin: null, api_key: null, model: 'm', name: 'here' };

  it('asks nobody for the offline provider', async () => {
    expect(await check({ ...here, type: 'offline' })).toMatch(/^Nothing is asked over a network\./);
  });

  it('asks the editor for its model', async () => {
    const editor = {
      ask: async () => ({ text: '' }),
      check: async (model: string) =>
        model === 'm' ? { text: 'There it is.' } : { problem: 'There is no such model.' },
    };
    const { check } = createModels({ facts, editor });
    expect(await check({ ...here, type: 'editor' }, never())).toBe('There it is.');
    await expect(check({ ...here, type: 'editor', model: 'x' }, never())).rejects.toMatchObject({
      code: 'provider_error',
      message: 'There is no such model.',
    });
  });

  it('says that there is no editor where there is none', async () => {
    await expect(check({ ...here, type: 'editor' })).rejects.toMatchObject({
      message: expect.stringContaining('runs without an editor'),
    });
  });
});
