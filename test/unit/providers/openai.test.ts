import { describe, expect, it, vi } from 'vitest';
import { behave, startModelServer } from '../../fixtures/model-server.ts';
import { failureAfter, failureOf, key, server, setUp, target } from './asking.ts';

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
