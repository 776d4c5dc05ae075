import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Call } from '../../../src/core/handlers.ts';
import { principalOf } from '../../../src/core/principals.ts';
import { checkProviderHandler } from '../../../src/core/provider-check.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { openSettings } from '../../../src/core/settings.ts';
import type { Models } from '../../../src/core/work.ts';
import { createModels } from '../../../src/providers/models.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { openStore } from '../../../src/store/store.ts';
import { behave, type ModelServer, startModelServer } from '../../fixtures/model-server.ts';
import { listing } from '../../fixtures/vendors.ts';

const key = 'key-0123456789abcdef';
const call: Call = {
  ...{ principal: principalOf('admin', 'a-token-for-tests'), source: 'api', correlationId: 'test' },
  ifMatch: undefined,
};

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

/** Checks the active provider: real settings, real models, a real server. */
async function setUp(more: { check?: Models['check']; most?: number; env?: string } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'gimo-check-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const dataDir = join(dir, 'work', '.orch_data');
  const fence = () => {};
  const logger = { log() {} };
  const ledger = await openLedger({ dir: join(dir, 'ledger'), dataDir });
  ledger.setFence(fence);
  const store = await openStore({ dataDir, fence, logger });
  onTestFinished(() => store.close());
  const clock = { time: 1_800_000_000_000, now: () => clock.time };
  const models = createModels({
    facts: {
      overview: async () => ({ branch: null, changed: 0, files: 0 }),
      matches: async () => [],
    },
  });
  const settings = await openSettings({
    ...{ store, ledger, logger, models },
    vault: { get: async () => undefined, set: async () => {}, delete: async () => {} },
    env: more.env === undefined ? {} : { MODEL_KEY: more.env },
    firstProvider: { active: 'offline', providers: { offline: { type: 'offline', model: 'm' } } },
  });
  const local = {
    ...{ type: 'openai_compat' as const, base_url: server.url, model: 'm' },
    api_key: `\${env:MODEL_KEY}`,
  };
  await settings.prepareProviders({ active: 'local', providers: { local } })();
  const shutdown = new AbortController();
  const handler = checkProviderHandler({
    ...{ settings, clock, shutdown: shutdown.signal },
    models: { check: more.check ?? models.check },
    redactor: createRedactor(() => settings.knownSecrets()),
    ...(more.most === undefined ? {} : { most: more.most }),
  });
  if ('read' in handler) throw new Error('A check is no read.');
  const prepared = await handler.prepare({}, call);
  return { ...prepared, clock, shutdown };
}

describe('a check of the active provider', () => {
  it('names the provider, tells what answered and how long it took, and changes nothing', async () => {
    const { target, effect, clock } = await setUp({
      env: key,
      async check() {
        clock.time += 123;
        return 'It answers.';
      },
    });
    expect(target).toBe('local');
    expect(await effect()).toEqual({
      body: { ok: true, latency_ms: 123, detail: 'It answers.' },
      changes: [],
    });
  });

  it('reaches the server with the key', async () => {
    server.script(listing.openai('m'));
    const { effect } = await setUp({ env: key });
    expect((await effect()).body).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^"local" at .* answers, and has m\.$/),
    });
    expect((await server.waitForRequest()).headers.authorization).toBe(`Bearer ${key}`);
  });

  it('answers with ok false where the provider fails, without a secret', async () => {
    server.script(behave.status(500, `broken, ${Buffer.from(key).toString('base64')}`));
    const { effect } = await setUp({ env: key });
    const { body } = await effect();
    expect(body).toMatchObject({ ok: false, latency_ms: 0 });
    expect(body.detail).toMatch(/failed \(500\).*broken, \[REDACTED\]/);
  });

  it('answers with ok false where the key is not there, and asks nobody', async () => {
    const { effect } = await setUp();
    expect((await effect()).body).toMatchObject({
      ok: false,
      detail: expect.stringContaining('The key of the provider "local" is not there'),
    });
    expect(server.requests).toEqual([]);
  });

  it('is given up when its time is over, and the connection is closed', async () => {
    server.script(behave.hang());
    const { effect } = await setUp({ env: key, most: 50 });
    expect((await effect()).body).toMatchObject({
      ok: false,
      detail:
        'The provider "local" did not answer within 0.05 s. Check that it is up, then try again.',
    });
    await server.waitForClosed();
  });

  it('ends with the server that carries it out', async () => {
    server.script(behave.hang());
    const { effect, shutdown } = await setUp({ env: key });
    const asked = effect();
    await server.waitForRequest();
    const reason = new GimoError('not_writer', 'The server is stopping.');
    shutdown.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  it('hides no fault of our own', async () => {
    const fault = new TypeError('a bug');
    const { effect } = await setUp({ env: key, check: () => Promise.reject(fault) });
    await expect(effect()).rejects.toBe(fault);
  });
});
