import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { behave } from '../../fixtures/model-server.ts';
import { startServer, type TestServer } from '../harness.ts';
import { setProvider, startModels } from '../runs/support.ts';
import { changesOf } from '../upkeep/support.ts';
import { expectError } from './support.ts';

const secret = 'a-value-of-the-environment';
const reference = (name: string) => `\${env:${name}}`;
const put = (server: TestServer, what: string, body: unknown) =>
  server.request('PUT', `/ops/${what}`, { role: 'admin', body });
const cloud = (base_url: string, api_key: string | null) => ({
  active: 'cloud',
  providers: { cloud: { type: 'openai_compat', base_url, model: 'm', api_key } },
});
const generate = (server: TestServer) =>
  server.request('POST', '/ops/generate', { role: 'admin', body: { prompt: 'hi' } });
const ledgerFile = (server: TestServer, ...names: string[]) =>
  join(server.host.ledgerDir, ...names);

describe('the value of an environment variable', () => {
  test('goes to the address that it was accepted for, and is not kept for another', async () => {
    const [here, there] = [await startModels(), await startModels()];
    for (const models of [here, there]) models.script(behave.words('x'), behave.words('x'));
    const server = await startServer({ env: { CLOUD_KEY: secret } });
    expect((await put(server, 'provider', cloud(here.url, reference('CLOUD_KEY')))).status).toBe(
      200,
    );
    const again = await put(server, 'provider', cloud(`${here.url}/`, null));
    expect(again.status, again.text).toBe(200);
    await generate(server);
    expect(here.requests.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`);
    expect((await put(server, 'provider', cloud(there.url, null))).status).toBe(200);
    await generate(server);
    expect(there.requests).toHaveLength(1);
    expect(JSON.stringify(there.requests)).not.toContain(secret);
  });

  test('does not follow its provider to another address', async () => {
    const [here, there] = [await startModels(), await startModels()];
    const server = await startServer({ env: { CLOUD_KEY: secret } });
    await put(server, 'provider', cloud(here.url, reference('CLOUD_KEY')));
    const file = ledgerFile(server, 'accepted', 'provider.json');
    const text = await readFile(file, 'utf8');
    await server.host.stop();
    // As a version would that knows another address for the same preset.
    await writeFile(file, text.replace(`"base_url": "${here.url}`, `"base_url": "${there.url}`));
    const later = await server.restart();
    const draft = await generate(later);
    expect(draft.body).toMatchObject({ status: 'error' });
    expect(draft.text).toContain('belongs to another address');
    expect(there.requests).toEqual([]);
  });
});

describe('what was set', () => {
  test.each([
    ['config', { max_concurrent_runs: 7 }, { max_concurrent_runs: 7 }],
    ['provider', cloud('http://127.0.0.1:1/v1', null), { active: 'cloud' }],
  ])('is in force although the copy of %s cannot be written', async (what, body, expected) => {
    const server = await startServer();
    const copy = join(server.host.dataDir, 'ops', `${what}.json`);
    await rm(copy, { force: true });
    await mkdir(copy);
    const reply = await put(server, what, body);
    expect([reply.status, reply.body]).toMatchObject([200, expected]);
    const now = await server.request('GET', `/ops/${what}`, { role: 'admin' });
    expect(now.body).toMatchObject(expected);
    expect(server.lines.some(({ message }) => message.includes('What was set is in force'))).toBe(
      true,
    );
    // Nobody has changed it since, so the copy is owed; what somebody does there is told.
    expect(await changesOf(server)).toEqual([]);
    await rmdir(copy);
    expect((await changesOf(server)).map((change) => change.what)).toEqual([what]);
  });

  test('is in force although the copy of the allowlist cannot be written', async () => {
    const server = await startServer();
    await writeFile(join(server.root, 'a.txt'), 'text');
    await mkdir(join(server.host.dataDir, 'ops', 'allowlist.json'));
    const reply = await server.request('PUT', '/ui/allowlist', {
      ...{ role: 'admin', body: { paths: [{ path: 'a.txt' }] } },
    });
    expect(reply.status, reply.text).toBe(200);
    expect((await server.request('GET', '/file?path=a.txt', { role: 'actions' })).text).toBe(
      'text',
    );
  });
});

describe('at the start', () => {
  test('a key that is spoilt counts as none, and is told nowhere', async () => {
    const models = await startModels();
    const server = await startServer();
    await setProvider(server, models.url);
    const raw = 'sk-raw-key-0123456789abcdef';
    const secrets = ledgerFile(server, 'secrets');
    for (const name of await readdir(secrets))
      if (name.includes('provider')) await writeFile(join(secrets, name), raw);
    await writeFile(join(secrets, 's_found.provider.secret'), raw);
    const later = await server.restart();
    expect(JSON.stringify(later.lines)).not.toContain(raw);
    expect(later.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    const draft = await generate(later);
    expect(draft.body).toMatchObject({ status: 'error' });
    expect(models.requests).toEqual([]);
  });

  test('a ledger that knew fewer fields is read', async () => {
    const server = await startServer();
    await put(server, 'config', { approval_channel: 'any', run_timeout_s: 10 });
    const file = ledgerFile(server, 'accepted', 'config.json');
    const { run_ttl_hours: _one, ...older } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify(older));
    const config = await (await server.restart()).request('GET', '/ops/config', { role: 'admin' });
    expect(config.body).toMatchObject({ run_ttl_hours: 24, approval_channel: 'any' });
  });

  test.each([
    ['config', '{"approval_channel": "nobody"}', 'accepted/config.json'],
    ['config', '{"approval_ch', 'accepted/config.json'],
    ['provider', '{"active": 1}', 'accepted/provider.json'],
    ['provider', 'null', 'accepted/provider.json'],
  ])('what was accepted as %s and is spoilt (%s) is told in words', async (what, text, told) => {
    const server = await startServer();
    await put(server, 'config', { run_timeout_s: 10 });
    await writeFile(ledgerFile(server, 'accepted', `${what}.json`), text);
    const start = server.restart();
    await expect(start).rejects.toMatchObject({ code: 'storage_error' });
    await expect(start).rejects.toThrow(told);
    await expect(start).rejects.not.toThrow(/invalid_|expected/);
  });
});

describe('a token', () => {
  test.each([
    ['provider', (token: string) => cloud(`https://models.example/${token}`, null)],
    ['provider', (token: string) => ({ active: token, providers: {} })],
    [
      'config',
      (token: string) => ({ command_allowlist: [{ program: `/bin/${token}`, args_prefix: [] }] }),
    ],
  ])('cannot be set as a part of %s', async (what, bodyWith) => {
    const server = await startServer();
    const reply = await put(server, what, bodyWith(server.host.token('operator')));
    expectError(reply, 'contains_secret');
  });
});
