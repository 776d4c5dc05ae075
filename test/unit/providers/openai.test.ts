import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { ModelRequest, ModelTarget } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';
import type { ModelTimings } from '../../../src/providers/watch.ts';
import {
  type Behaviour,
  behave,
  type ModelServer,
  startModelServer,
} from '../../fixtures/model-server.ts';

const key = 'sk-test-0123456789abcdef';
const noFacts = {
  overview: async () => ({ branch: null, changed: 0, files: 0 }),
  matches: async () => [],
};

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await server.close();
});

const target = (more: Partial<ModelTarget> = {}): ModelTarget => ({
  name: 'local',
  type: 'openai_compat',
  model: 'test-model',
  base_url: server.url,
  origin: server.origin,
  api_key: key,
  ...more,
});

/** Asks with short waits; `waits` are the pauses before retries, none of which is waited for. */
function setUp(timeouts: Partial<ModelTimings> = {}) {
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
async function failureOf(asked: Promise<unknown>): Promise<GimoError> {
  const error: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!GimoError.is(error, 'provider_error')) throw new Error(`not a provider_error: ${error}`);
  expect(error.message).not.toContain(key);
  expect(error.cause).toBeUndefined();
  return error;
}

async function failureAfter(...behaviours: [Behaviour, ...Behaviour[]]) {
  server.script(...behaviours);
  const { ask, waits, pieces } = setUp();
  const error = await failureOf(ask());
  return { error, message: error.message, waits, pieces };
}

describe('an answer', () => {
  it('streams piece by piece, and is whole at the end with its usage', async () => {
    server.script(behave.usage('One two three.', 11, 4));
    const { ask, pieces } = setUp();
    expect(await ask()).toEqual({
      text: 'One two three.',
      usage: { prompt_tokens: 11, completion_tokens: 4 },
    });
    expect(pieces).toEqual(['One ', 'two ', 'three.']);
  });

  it('arrives while the rest is still to come', async () => {
    const gate = Promise.withResolvers<void>();
    server.script(behave.slow(gate.promise, 'First second'));
    const { ask } = setUp();
    const seen: string[] = [];
    const answer = await ask({
      onText: (piece) => {
        seen.push(piece);
        gate.resolve();
      },
    });
    expect(seen).toEqual(['First ', 'second']);
    expect(answer.usage).toBeNull();
  });

  it('is taken as one piece from a server that does not stream', async () => {
    server.script(behave.whole('All at once.'));
    const { ask, pieces } = setUp();
    expect(await ask()).toEqual({
      text: 'All at once.',
      usage: { prompt_tokens: 5, completion_tokens: 4 },
    });
    expect(pieces).toEqual(['All at once.']);
  });

  it('that was finished counts, even if the stream then stays open', async () => {
    server.script(behave.words('Done here.', { ending: 'linger' }));
    const { ask } = setUp({ idleMs: 500 });
    expect((await ask()).text).toBe('Done here.');
  });

  it('keeps its text where the usage has an odd shape', async () => {
    server.script(
      behave.events(
        '{"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":-1}}',
        '[DONE]',
      ),
    );
    expect(await setUp().ask()).toEqual({ text: 'ok', usage: null });
  });

  it('passes on what the caller throws while it is told', async () => {
    const broken = new Error('disk full');
    const asked = setUp().ask({
      onText: () => {
        throw broken;
      },
    });
    await expect(asked).rejects.toBe(broken);
  });
});

describe('a request', () => {
  it('asks for a stream with usage, with the model and the whole text', async () => {
    await setUp().ask({ text: 'All of this.' });
    const { method, path, headers, body } = await server.waitForRequest();
    expect([method, path]).toEqual(['POST', '/v1/chat/completions']);
    expect(headers.authorization).toBe(`Bearer ${key}`);
    expect(body).toEqual({
      model: 'test-model',
      messages: [{ role: 'user', content: 'All of this.' }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('carries no Authorization header without a key', async () => {
    await setUp().ask({}, target({ api_key: null }));
    expect((await server.waitForRequest()).headers.authorization).toBeUndefined();
  });

  it('takes nothing from the environment', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-env');
    vi.stubEnv('OPENAI_ADMIN_KEY', 'sk-env-admin');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
    vi.stubEnv('OPENAI_ORG_ID', 'org-env');
    vi.stubEnv('OPENAI_PROJECT_ID', 'project-env');
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'Authorization: Bearer sk-env\nX-Env: yes');
    await setUp().ask({}, target({ api_key: null }));
    const { headers } = await server.waitForRequest();
    expect(JSON.stringify(headers)).not.toMatch(/env|stainless/i);
    expect(headers.authorization).toBeUndefined();
  });

  it('is not sent when the origin is not the one that was approved', async () => {
    const to = target({ origin: 'http://127.0.0.1:1' });
    expect((await failureOf(setUp().ask({}, to))).message).toMatch(/another server/);
    expect(server.requests).toEqual([]);
  });

  it('is not sent with a key that no header can hold', async () => {
    const broken = 'sk-first\nsk-second';
    const error = await failureOf(setUp().ask({}, target({ api_key: broken })));
    expect(error.message).toMatch(/character that cannot be sent/);
    expect(error.message).not.toContain('sk-first');
    expect(server.requests).toEqual([]);
  });

  it('does not follow a redirect, so that the key stays with its origin', async () => {
    const other = await startModelServer();
    try {
      const { message } = await failureAfter(behave.redirect(`${other.url}/chat/completions`));
      expect(message).toMatch(/redirect/);
      expect(other.requests).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('retries', () => {
  it('wait as long as Retry-After says, in seconds', async () => {
    server.script(behave.rateLimited('7'), behave.words('Now.'));
    const { ask, waits } = setUp();
    expect((await ask()).text).toBe('Now.');
    expect(waits).toEqual([7000]);
  });

  it('wait until the date that Retry-After names', async () => {
    server.script(behave.rateLimited(new Date(Date.now() + 20_000).toUTCString()), behave.words());
    const { ask, waits } = setUp();
    await ask();
    expect(waits[0]).toBeGreaterThan(10_000);
    expect(waits[0]).toBeLessThanOrEqual(20_000);
  });

  it('happen after a failure of the server', async () => {
    server.script(behave.status(500), behave.words('Better.'));
    const { ask, waits } = setUp();
    expect((await ask()).text).toBe('Better.');
    expect(waits).toEqual([500]);
  });

  it('end after two, and say so', async () => {
    const { message, waits } = await failureAfter(behave.status(503, 'Overloaded.'));
    expect(message).toMatch(/failed \(503\).*Overloaded\./);
    expect(waits).toEqual([500, 1000]);
    expect(server.requests).toHaveLength(3);
  });

  it('end after two 429, with the time to wait', async () => {
    const { error, waits } = await failureAfter(behave.rateLimited('3'));
    expect(error.message).toMatch(/no more requests for now \(429\). Try again in 3 s\./);
    expect(error.retryAfter).toBe(3);
    expect(waits).toEqual([3000, 3000]);
  });

  it('do not happen where more than a minute is asked for', async () => {
    const { error, waits } = await failureAfter(behave.rateLimited('61'));
    expect(error.retryAfter).toBe(61);
    expect(waits).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it('do not happen where the quota is used up', async () => {
    const { message, waits } = await failureAfter({
      ...behave.status(429),
      body: '{"error":{"message":"You exceeded your quota.","code":"insufficient_quota"}}',
    });
    expect(message).toMatch(/exceeded your quota/);
    expect(waits).toEqual([]);
  });

  it('do not happen once text was passed on', async () => {
    const { pieces } = await failureAfter(behave.cutMidway('Half of it'), behave.words());
    expect(pieces).toEqual(['Half ', 'of ', 'it']);
    expect(server.requests).toHaveLength(1);
  });

  it('stop waiting at once when aborted', async () => {
    server.script(behave.rateLimited('60'));
    const stop = new AbortController();
    const { wait } = (await import('../../../src/providers/watch.ts')).defaultTimings;
    const { ask } = setUp({
      wait: (ms, signal) => {
        const waiting = wait(ms, signal);
        stop.abort(new Error('cancelled by a person'));
        return waiting;
      },
    });
    await expect(ask({ signal: stop.signal })).rejects.toThrow('cancelled by a person');
  });
});

describe('abort', () => {
  it('before the request sends nothing', async () => {
    const reason = new Error('too late');
    await expect(setUp().ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
  });

  it('before the first byte closes the connection and throws the reason', async () => {
    server.script(behave.hang());
    const stop = new AbortController();
    const asked = setUp().ask({ signal: stop.signal });
    await server.waitForRequest();
    const reason = new Error('cancelled');
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await server.waitForClosed();
  });

  it('in the middle of the answer closes the connection and throws the reason', async () => {
    server.script(behave.hangMidway());
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const asked = setUp().ask({ signal: stop.signal, onText: () => stop.abort(reason) });
    await expect(asked).rejects.toBe(reason);
    await server.waitForClosed();
  });
});

describe('a failure is told', () => {
  it('when nobody listens, with host and port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    taken.close();
    await once(taken, 'close');
    const origin = `http://127.0.0.1:${port}`;
    const { message } = await failureOf(
      setUp().ask({}, target({ base_url: `${origin}/v1`, origin })),
    );
    expect(message).toContain(`Cannot connect to 127.0.0.1:${port} (ECONNREFUSED)`);
  });

  it.each([401, 403])(
    'when the key is refused with %i, even if the server echoes it',
    async (status) => {
      const { message, waits } = await failureAfter(behave.echoKey(status));
      expect(message).toContain(`refused the API key (${status})`);
      expect(waits).toEqual([]);
    },
  );

  it('when a key is missing', async () => {
    server.script(behave.status(401));
    const { message } = await failureOf(setUp().ask({}, target({ api_key: null })));
    expect(message).toContain('wants an API key (401)');
  });

  it('when model or address are unknown, naming both', async () => {
    const { message } = await failureAfter(behave.notFound());
    expect(message).toContain('no model "test-model"');
    expect(message).toContain(new URL(server.url).host);
  });

  it.each([
    ['OpenAI and most others', '{"error":{"message":"stream_options is not supported"}}'],
    ['Gemini, in a list', '[{"error":{"message":"stream_options is not supported","code":400}}]'],
    ['Ollama', '{"error":"stream_options is not supported"}'],
    ['FastAPI', '{"detail":"stream_options is not supported"}'],
    ['plain text', 'stream_options is not supported'],
  ])('with the vendor’s words for any other status: %s', async (_name, body) => {
    const { message } = await failureAfter({ kind: 'reply', status: 400, body });
    expect(message).toBe(
      'The provider "local" refused the request (400). It says: stream_options is not supported',
    );
  });

  it('in at most 500 characters of the vendor’s, in one line, without the key', async () => {
    const told = `\u001b[31mBad\nkey ${key} ${'x'.repeat(600)}😀`;
    const { message } = await failureAfter(behave.status(422, told));
    expect(message).toContain('It says: [31mBad key [REDACTED] xxx');
    expect(message.length).toBeLessThan(600);
    expect(message).not.toMatch(/\p{Cc}/u);
  });

  it.each([
    ['nothing', false],
    ['only the status line', true],
  ])('when the first byte does not come within two minutes, but %s', async (_what, headers) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.script(behave.hang(headers));
    const asked = failureOf(setUp().ask());
    await server.waitForRequest();
    vi.advanceTimersByTime(120_000);
    expect((await asked).message).toMatch(/did not begin to answer within 120 s/);
    await server.waitForClosed();
  });

  it('when it falls silent for a minute in the middle of an answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.script(behave.hangMidway('Then'));
    const onText = () => setImmediate(() => vi.advanceTimersByTime(60_000));
    const { message } = await failureOf(setUp().ask({ onText }));
    expect(message).toMatch(/fell silent for 60 s in the middle/);
    await server.waitForClosed();
  });

  it('when the connection is cut in the middle of an answer', async () => {
    expect((await failureAfter(behave.cutMidway())).message).toMatch(/was cut in the middle/);
  });

  it('when the stream ends without a finish reason', async () => {
    expect((await failureAfter(behave.unfinished())).message).toMatch(
      /before its answer was complete/,
    );
  });

  it('when the vendor reports an error in the stream', async () => {
    expect((await failureAfter(behave.errorMidway())).message).toMatch(/The model crashed\./);
  });

  it('when the answer was cut off by the token limit', async () => {
    expect((await failureAfter(behave.tooLong())).message).toMatch(/token limit/);
  });

  it('when the content filter held it back', async () => {
    expect((await failureAfter(behave.filtered())).message).toMatch(/content filter/);
  });

  it('when the model refuses, with its words', async () => {
    expect((await failureAfter(behave.refusal())).message).toMatch(
      /refused to answer: I cannot help with that\./,
    );
  });

  it('when it stopped for a tool that was not offered', async () => {
    const { message } = await failureAfter(behave.words('', { finish: 'tool_calls' }));
    expect(message).toMatch(/does not know: tool_calls/);
  });

  it('when the answer is empty', async () => {
    expect((await failureAfter(behave.empty())).message).toMatch(/empty answer/);
  });

  it('when a web page comes instead of JSON', async () => {
    expect((await failureAfter(behave.page())).message).toMatch(/web page instead of JSON/);
  });

  it('when a web page comes with an error status', async () => {
    expect((await failureAfter(behave.page(502))).message).toMatch(/\(502\).*web page/);
  });

  it('when the JSON has another shape', async () => {
    expect((await failureAfter(behave.wrongShape())).message).toMatch(/not a chat completion/);
  });

  it('when a piece of the stream has another shape', async () => {
    expect((await failureAfter(behave.events('{"choices":"none"}'))).message).toMatch(
      /not a chat completion/,
    );
  });

  it('when a piece of the stream is not JSON, without printing it', async () => {
    const printed = vi.spyOn(console, 'error');
    expect((await failureAfter(behave.events('{broken'))).message).toMatch(/not JSON/);
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('when there are no choices', async () => {
    expect((await failureAfter(behave.events('{"choices":[]}', '[DONE]'))).message).toMatch(
      /without any choices/,
    );
  });

  it('when an error comes with status 200', async () => {
    const { message } = await failureAfter({
      ...behave.wrongShape(),
      body: '{"error":{"message":"Model is loading."}}',
    });
    expect(message).toMatch(/reported an error: Model is loading\./);
  });
});
