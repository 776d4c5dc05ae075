import { expect, it, onTestFinished } from 'vitest';
import { behave, startModelServer } from '../../fixtures/model-server.ts';
import { listing } from '../../fixtures/vendors.ts';
import { startServer } from '../harness.ts';

/** A server whose provider is a model server on loopback. */
async function setUp() {
  const models = await startModelServer();
  onTestFinished(() => models.close());
  const server = await startServer();
  const local = {
    type: 'openai_compat',
    base_url: models.url,
    model: 'm',
    api_key: 'key-abcdefgh',
  };
  await server.request('PUT', '/ops/provider', {
    role: 'admin',
    body: { active: 'local', providers: { local } },
  });
  const check = (role: 'admin' | 'operator' | 'actions' | 'agent' = 'admin') =>
    server.request('POST', '/ops/provider/check', { role });
  return { models, server, check };
}

it('a check reaches the provider with its key, and tells what answered', async () => {
  const { models, check } = await setUp();
  models.script(listing.openai('m'));
  const { status, body } = await check();
  expect(status).toBe(200);
  expect(body).toEqual({
    ok: true,
    latency_ms: expect.any(Number),
    detail: `"local" at ${new URL(models.url).host} answers, and has m.`,
  });
  expect((await models.waitForRequest()).headers.authorization).toBe('Bearer key-abcdefgh');
});

it('a provider that fails is an answer, not an error', async () => {
  const { models, check } = await setUp();
  models.script(behave.echoKey(403));
  const { status, body, text } = await check();
  expect(status).toBe(200);
  expect(body).toMatchObject({ ok: false, detail: expect.stringMatching(/refused the API key/) });
  expect(text).not.toContain('abcdefgh');
});

it('a check is for an admin alone, and is audited with the name of the provider', async () => {
  const { server, models, check } = await setUp();
  for (const role of ['operator', 'actions', 'agent'] as const)
    expect((await check(role)).status).toBe(403);
  expect(models.requests).toEqual([]);
  await check();
  const { body } = await server.request('GET', '/ops/audit', { role: 'admin' });
  expect(body).toMatchObject({
    entries: expect.arrayContaining([
      expect.objectContaining({ operation: 'checkProvider', target: 'local' }),
    ]),
  });
});

it('a check changes nothing, and nobody is told of it', async () => {
  const { server, check } = await setUp();
  const seen: string[] = [];
  onTestFinished(server.host.onChange(({ type }) => seen.push(type)));
  await check();
  await server.request('POST', '/ops/drafts', { role: 'admin', body: { prompt: 'p' } });
  expect(seen).toEqual(['draft']);
});
