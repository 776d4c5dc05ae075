import { describe, expect, it, vi } from 'vitest';
import { behave, portOfNobody } from '../../fixtures/model-server.ts';
import { failureAfter, failureOf, key, server, setUp, target } from './asking.ts';

describe('a failure is told', () => {
  it('when nobody listens, with host and port', async () => {
    const port = await portOfNobody();
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
