import { realpathSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Config, defaultConfig } from '../../../src/contract/records.ts';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError, newDraft } from '../wire/support.ts';
import { changesOf, decide, fileOf } from './support.ts';

const get = async (server: TestServer, what: string) =>
  (await server.request('GET', `/ops/${what}`, { role: 'admin' })).body;
const put = (server: TestServer, what: string, body: unknown) =>
  server.request('PUT', `/ops/${what}`, { role: 'admin', body });
const write = (server: TestServer, what: string, value: unknown) =>
  writeFile(
    fileOf(server, `${what}.json`),
    typeof value === 'string' ? value : JSON.stringify(value),
  );
const json = async (server: TestServer, what: string): Promise<unknown> =>
  JSON.parse(await readFile(fileOf(server, `${what}.json`), 'utf8'));
const waiting = async (server: TestServer) =>
  Object((await server.request('GET', '/status', { role: 'actions' })).body).changes;

describe('a configuration that was changed by hand', () => {
  it('is shown, has no effect, and takes effect when it is accepted', async () => {
    const server = await startServer();
    expect(await changesOf(server)).toEqual([]);
    await write(server, 'config', { max_concurrent_runs: 9 });
    expect(await waiting(server)).toBe(1);
    expect(await changesOf(server)).toMatchObject([
      {
        ...{ what: 'config', accepted: defaultConfig, problem: null },
        found: { max_concurrent_runs: 9 },
      },
    ]);
    expect(await get(server, 'config')).toEqual(defaultConfig);
    const accepted = await decide(server, 'config', 'accept');
    expect([accepted.status, accepted.body]).toEqual([200, []]);
    const now = { ...defaultConfig, max_concurrent_runs: 9 };
    expect(await get(server, 'config')).toEqual(now);
    expect(await json(server, 'config')).toEqual(now);
    expect(await waiting(server)).toBe(0);
    expect(await get(await server.restart(), 'config')).toEqual(now);
  });

  it('is put back when it is restored', async () => {
    const server = await startServer();
    const set = (await put(server, 'config', { run_timeout_s: 7 })).body;
    await write(server, 'config', { run_timeout_s: 8 });
    expect((await decide(server, 'config', 'restore')).body).toEqual([]);
    expect(await json(server, 'config')).toEqual(set);
    expect(await get(server, 'config')).toEqual(set);
    await rm(fileOf(server, 'config.json'));
    expect(await changesOf(server)).toMatchObject([{ what: 'config', found: null }]);
    await decide(server, 'config', 'restore');
    expect(await json(server, 'config')).toEqual(set);
  });

  it.each<[string, unknown, RegExp]>([
    ['out of range', { max_concurrent_runs: -5 }, /max_concurrent_runs/],
    ['with a typo', { max_concurent_runs: 5 }, /max_concurent_runs/],
    ['no object', [1], /config\.json/],
    ['no JSON', '{"max_concurrent_runs": 5', /not JSON/],
    ['not text', '\uFFFE\0', /cannot be read|not JSON/],
  ])('that is %s is refused in words', async (_name, value, words) => {
    const server = await startServer();
    await write(server, 'config', value);
    const [change] = await changesOf(server);
    expect(change?.problem).toMatch(words);
    const refused = await decide(server, 'config', 'accept');
    expectError(refused, 'validation_error');
    expect(refused.text).toMatch(words);
    expect(await get(server, 'config')).toEqual(defaultConfig);
    expect((await decide(server, 'config', 'restore')).status).toBe(200);
    expect(await json(server, 'config')).toEqual(defaultConfig);
  });

  it('is told in the log and as an event when it happens', async () => {
    const server = await startServer();
    const told = new Promise<string | null>((resolve) => {
      server.host.onChange(({ type, id }) => {
        if (type === 'changes') resolve(id);
      });
    });
    await write(server, 'config', { max_concurrent_runs: 9 });
    expect(await told).toBe('config');
    await server.whenLogged(({ message }) => /config\.json was changed outside/.test(message));
  });

  it('is accepted as it was seen, or not at all', async () => {
    const server = await startServer();
    await write(server, 'config', { max_concurrent_runs: 9 });
    const [seen] = await changesOf(server);
    await write(server, 'config', { max_concurrent_runs: 64 });
    expectError(await decide(server, 'config', 'accept', `?digest=${seen?.digest}`), 'stale');
    const [now] = await changesOf(server);
    expect((await decide(server, 'config', 'accept', `?digest=${now?.digest}`)).status).toBe(200);
    expect(await get(server, 'config')).toMatchObject({ max_concurrent_runs: 64 });
  });

  it('that decides who may approve is accepted in the editor that hosts the server', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    await write(server, 'config', { approval_channel: 'any' });
    expectError(await decide(server, 'config', 'accept'), 'editor_required');
    await server.host.client.call('acceptChange', { what: 'config' });
    expect(await get(server, 'config')).toMatchObject({ approval_channel: 'any' });
  });

  it.each<Partial<Config>>([
    { approval_channel: 'any' },
    { command_allowlist: [{ program: realpathSync(process.execPath), args_prefix: [] }] },
  ])('that decides who may approve what is PUT by that editor only: %j', async (patch) => {
    const server = await startServer({ hostedBy: 'editor' });
    const put = (body: object) =>
      server.request('PUT', '/ops/config', { role: 'admin', body: { ...body, run_timeout_s: 9 } });
    expectError(await put(patch), 'editor_required');
    expect(await get(server, 'config')).toMatchObject({ run_timeout_s: 300 });
    await server.host.client.call('setConfig', patch);
    expect(await get(server, 'config')).toMatchObject(patch);
    expect((await put(patch)).status).toBe(200);
  });

  it('is audited when it is decided about, and cannot be decided about twice', async () => {
    const server = await startServer();
    await write(server, 'config', { max_concurrent_runs: 9 });
    await decide(server, 'config', 'accept');
    expectError(await decide(server, 'config', 'accept'), 'conflict_state');
    expectError(await decide(server, 'config', 'restore'), 'conflict_state');
    expectError(await decide(server, 'plan', 'accept'), 'not_found');
    const acts = (await auditOf(server)).filter(({ operation }) => operation === 'acceptChange');
    expect(acts.map(({ target, outcome }) => [target, outcome])).toEqual([
      ['config', 'intent'],
      ['config', 'done'],
    ]);
  });
});

describe('providers that were changed by hand', () => {
  const key = 'plain-key-0123456789';
  const cloud = { type: 'openai_compat', base_url: 'https://models.example/v1', model: 'm' };
  const withKey = { active: 'cloud', providers: { cloud: { ...cloud, api_key: key } } };
  const reference = `\${${'secret:provider.cloud'}}`;
  const everywhere = async (server: TestServer) =>
    JSON.stringify([
      await json(server, 'provider'),
      await changesOf(server),
      await auditOf(server),
      server.lines,
      await get(server, 'provider'),
    ]);

  it('lose their raw key to the vault as soon as it is seen, and use it once accepted', async () => {
    const server = await startServer();
    await write(server, 'provider', withKey);
    const [change] = await changesOf(server);
    expect(change).toMatchObject({
      what: 'provider',
      found: { active: 'cloud', providers: { cloud: { api_key: null } } },
      problem: null,
    });
    expect(change?.notes.join()).toMatch(/"cloud" stood in the file/);
    expect(await get(server, 'provider')).toMatchObject({ active: 'offline' });
    expect(await everywhere(server)).not.toContain(key);
    expect(await json(server, 'provider')).toMatchObject({
      providers: { cloud: { api_key: reference } },
    });
    // It is a secret from now on, accepted or not.
    const body = { prompt: `use ${key}` };
    const proposed = await server.request('POST', '/ops/drafts', { role: 'admin', body });
    expectError(proposed, 'contains_secret');
    expect((await decide(server, 'provider', 'accept')).body).toEqual([]);
    expect(await get(server, 'provider')).toMatchObject({ active: 'cloud' });
    const kept = await readFile(`${server.host.ledgerDir}/secrets/s_provider.cloud.secret`, 'utf8');
    expect(JSON.parse(kept)).toEqual({ key, origin: 'https://models.example' });
    expect(await everywhere(await server.restart())).not.toContain(key);
  });

  it('do not exchange the key in force by a key in the file', async () => {
    const server = await startServer();
    await put(server, 'provider', withKey);
    const secret = `${server.host.ledgerDir}/secrets/s_provider.cloud.secret`;
    const before = await readFile(secret, 'utf8');
    const other = { ...cloud, api_key: 'another-key-0123456789' };
    await write(server, 'provider', { active: 'cloud', providers: { cloud: other } });
    // But for the key the file says what is in force; the key alone is the change.
    expect(await changesOf(server)).toMatchObject([{ what: 'provider', problem: null }]);
    expect(await readFile(secret, 'utf8')).toBe(before);
    expect((await decide(server, 'provider', 'restore')).body).toEqual([]);
    expect(await readFile(secret, 'utf8')).toBe(before);
    expect(await changesOf(server)).toEqual([]);
  });

  it('do not send a found key to an address that it did not stand beside', async () => {
    const server = await startServer();
    await write(server, 'provider', withKey);
    await changesOf(server);
    const moved = { ...cloud, base_url: 'https://elsewhere.example/v1', api_key: reference };
    await write(server, 'provider', { active: 'cloud', providers: { cloud: moved } });
    const [change] = await changesOf(server);
    expect(change?.notes.join()).toMatch(/another address/);
    expect((await decide(server, 'provider', 'accept')).status).toBe(200);
    const generated = await server.request('POST', '/ops/generate?prompt=x', { role: 'admin' });
    expect(Object(generated.body).error).toMatch(/key of the provider "cloud" is not there/);
  });

  it('are restored without leaving a raw key on the disk', async () => {
    const server = await startServer();
    const before = await json(server, 'provider');
    for (const value of [withKey, { ...withKey, typo: { api_key: key } }, `{"api_key": "${key}"`]) {
      await write(server, 'provider', value);
      expect((await decide(server, 'provider', 'restore')).status).toBe(200);
      expect(await json(server, 'provider')).toEqual(before);
      expect(await everywhere(server)).not.toContain(key);
    }
  });

  it('say where a key comes from that does not show', async () => {
    const server = await startServer();
    const api_key = `\${${'env:CLOUD_KEY'}}`;
    await write(server, 'provider', {
      active: 'cloud',
      providers: { cloud: { ...cloud, api_key } },
    });
    const [change] = await changesOf(server);
    expect(change?.notes.join()).toContain('environment variable CLOUD_KEY');
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown active one', { active: 'x', providers: { cloud } }, /no provider named "x"/],
    [
      "GIMO's own token",
      { active: 'cloud', providers: { cloud: { ...cloud, api_key: `\${${'ORCH_TOKEN'}}` } } },
      /own variables/,
    ],
    ['an unknown field', { active: 'cloud', providers: { cloud: { ...cloud, url: 'x' } } }, /url/],
  ])('are refused with %s', async (_name, value, words) => {
    const server = await startServer();
    await write(server, 'provider', value);
    expect((await changesOf(server))[0]?.problem).toMatch(words);
    expectError(await decide(server, 'provider', 'accept'), 'validation_error');
    expect(await get(server, 'provider')).toMatchObject({ active: 'offline' });
  });

  it('change the digest of waiting drafts only when they are accepted', async () => {
    const server = await startServer();
    const { id, digest } = await newDraft(server);
    await write(server, 'provider', {
      active: 'o',
      providers: { o: { type: 'offline', model: 'o' } },
    });
    const read = async () =>
      Object((await server.request('GET', `/ops/drafts/${id}`, { role: 'actions' })).body).digest;
    await changesOf(server);
    expect(await read()).toBe(digest);
    await decide(server, 'provider', 'accept');
    expect(await read()).not.toBe(digest);
  });
});

describe('an allowlist that was changed by hand', () => {
  const list = { paths: [{ path: 'src', expires_at: '2100-01-01T00:00:00Z' }] };

  it('waits, and is accepted or restored', async () => {
    const server = await startServer();
    await write(server, 'allowlist', list);
    expect(await changesOf(server)).toMatchObject([{ what: 'allowlist', found: list }]);
    expect((await decide(server, 'allowlist', 'accept')).body).toEqual([]);
    await write(server, 'allowlist', { paths: [] });
    expect((await decide(server, 'allowlist', 'restore')).body).toEqual([]);
    expect(await json(server, 'allowlist')).toMatchObject(list);
    await write(server, 'allowlist', { roots: [] });
    expectError(await decide(server, 'allowlist', 'accept'), 'validation_error');
  });
});
