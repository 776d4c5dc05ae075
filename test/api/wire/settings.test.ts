import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { auditOf, expectError, locsOf } from './support.ts';

const put = (server: TestServer, what: string, body: unknown) =>
  server.request('PUT', `/ops/${what}`, { role: 'admin', body });
const get = async (server: TestServer, what: string) =>
  (await server.request('GET', `/ops/${what}`, { role: 'admin' })).body;

/** What stands in `api_key` instead of a key. */
const reference = (name: string) => `\${${name}}`;

/** The text of every file below a folder. */
async function everyText(dir: string): Promise<string> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

describe('the plan', () => {
  const task = (id: string, ...depends: string[]) => ({
    ...{ id, depends, title: id, scope: 'src', description: 'Do it' },
  });
  const plan = (...tasks: object[]) => ({
    ...{ id: 'p1', title: 'Plan', workspace: '.', created: '2026-01-01', objective: 'Tidy up' },
    tasks,
  });

  it('is 404 before there is one, then what was set, also after a restart', async () => {
    const server = await startServer();
    const none = await server.request('GET', '/ops/plan', { role: 'actions' });
    expectError(none, 'not_found');
    const set = await put(server, 'plan', plan(task('a'), task('b', 'a')));
    expect([set.status, set.body]).toEqual([200, { status: 'ok' }]);
    const kept = {
      ...plan({ ...task('a'), status: 'pending' }, { ...task('b', 'a'), status: 'pending' }),
      constraints: [],
    };
    expect(await get(server, 'plan')).toEqual(kept);
    expect(await get(await server.restart(), 'plan')).toEqual(kept);
  });

  it('refuses tasks that cannot be put in an order, and keeps what was there', async () => {
    const server = await startServer();
    await put(server, 'plan', plan(task('a')));
    const wrong = [
      plan(task('a', 'a')),
      plan(task('a', 'b'), task('b', 'a')),
      plan(task('x'), task('a', 'x', 'c'), task('b', 'a'), task('c', 'b')),
      plan(task('a', 'nowhere')),
      plan(task('a', 'toString')),
      plan(task('a'), task('a')),
    ];
    for (const body of wrong)
      expect(locsOf(await put(server, 'plan', body))).toEqual([['body', 'tasks']]);
    expect(await get(server, 'plan')).toMatchObject({ tasks: [{ id: 'a' }] });
  });

  it('refuses what is no plan', async () => {
    const server = await startServer();
    const { title: _title, ...cut } = plan();
    expect(locsOf(await put(server, 'plan', cut))).toEqual([['body', 'title']]);
    const state = plan({ ...task('a'), status: 'finished' });
    expect(locsOf(await put(server, 'plan', state))).toEqual([['body', 'tasks', 0, 'status']]);
  });

  it('takes ten thousand tasks that all wait for one', async () => {
    const server = await startServer();
    const short = { title: '', scope: '', description: '' };
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      ...{ id: `${at}`, depends: at === 0 ? [] : ['0'] },
      ...short,
    }));
    expect((await put(server, 'plan', plan(...many))).status).toBe(200);
  });
});

describe('the configuration', () => {
  const defaults = {
    ...{ default_auto_run: false, draft_cleanup_ttl_days: 7, max_concurrent_runs: 3 },
    ...{ operator_can_generate: false, run_ttl_hours: 24, run_timeout_s: 300 },
    ...{ approval_ttl_minutes: 0, approval_channel: 'auto', require_reason_on_reject: false },
    command_allowlist: [],
  };

  it('is the one of API.md when nobody has changed it', async () => {
    expect(await get(await startServer(), 'config')).toEqual(defaults);
  });

  it('keeps what a PUT leaves out, also over a restart', async () => {
    const server = await startServer();
    const first = await put(server, 'config', { max_concurrent_runs: 64, default_auto_run: true });
    expect(first.body).toEqual({ ...defaults, max_concurrent_runs: 64, default_auto_run: true });
    const second = await put(server, 'config', { run_timeout_s: 10 });
    const now = { ...defaults, max_concurrent_runs: 64, default_auto_run: true, run_timeout_s: 10 };
    expect(second.body).toEqual(now);
    expect((await put(server, 'config', {})).body).toEqual(now);
    expect(await get(await server.restart(), 'config')).toEqual(now);
  });

  it.each<[string, unknown]>([
    ['max_concurrent_runs', -5],
    ['max_concurrent_runs', 0],
    ['max_concurrent_runs', 65],
    ['max_concurrent_runs', 1.5],
    ['max_concurrent_runs', '3'],
    ['max_concurrent_runs', null],
    ['draft_cleanup_ttl_days', -1],
    ['run_timeout_s', 0],
    ['run_ttl_hours', 0],
    ['approval_ttl_minutes', -1],
    ['approval_channel', 'anyone'],
    ['default_auto_run', 'yes'],
    ['require_reason_on_reject', 1],
    ['command_allowlist', [{ program: '' }]],
  ])('refuses %s: %j, and changes nothing of it', async (field, value) => {
    const server = await startServer();
    const reply = await put(server, 'config', { run_timeout_s: 10, [field]: value });
    expect(locsOf(reply)[0]?.slice(0, 2)).toEqual(['body', field]);
    expect(await get(server, 'config')).toEqual(defaults);
  });

  it('is not changed by the file in the workspace', async () => {
    const server = await startServer();
    await put(server, 'config', { run_timeout_s: 10 });
    const file = join(server.host.dataDir, 'ops', 'config.json');
    await writeFile(file, JSON.stringify({ ...defaults, operator_can_generate: true }));
    expect(await get(server, 'config')).toEqual({ ...defaults, run_timeout_s: 10 });
    expect(await get(await server.restart(), 'config')).toEqual({ ...defaults, run_timeout_s: 10 });
  });
});

describe('the providers', () => {
  const key = 'a-raw-key-0123456789';
  const cloud = { type: 'openai_compat', base_url: 'https://models.example/v1', model: 'm' };
  const one = (entry: object) => ({ active: 'cloud', providers: { cloud: entry } });

  it.each(['nowhere', '', 'toString', 'constructor', 'hasOwnProperty', '__proto__', '../offline'])(
    'refuse an active one that is not among them: "%s"',
    async (active) => {
      const server = await startServer();
      const reply = await put(server, 'provider', { active, providers: { cloud } });
      expect(locsOf(reply)).toEqual([['body', 'active']]);
      const none = await put(server, 'provider', { active, providers: {} });
      expectError(none, 'validation_error');
      expect(await get(server, 'provider')).toMatchObject({ active: 'offline' });
    },
  );

  it.each(['toString', 'constructor', 'valueOf'])('may have the name "%s"', async (name) => {
    const server = await startServer();
    const body = { active: name, providers: { [name]: { type: 'offline', model: 'x' } } };
    expect((await put(server, 'provider', body)).status).toBe(200);
    expect((await server.request('GET', '/status', { role: 'actions' })).body).toMatchObject({
      provider: name,
    });
  });

  it('never show a key, and never leave it in the workspace', async () => {
    const server = await startServer();
    const set = await put(server, 'provider', one({ ...cloud, api_key: key }));
    expect(set.body).toEqual(one({ ...cloud, api_key: null }));
    expect(await get(server, 'provider')).toEqual(set.body);
    expect(set.text).not.toContain(key);
    expect(await everyText(server.root)).not.toContain(key);
    expect(JSON.stringify([server.lines, await auditOf(server)])).not.toContain(key);
    const again = await server.restart();
    expect(await get(again, 'provider')).toEqual(set.body);
    expect(await everyText(again.root)).not.toContain(key);
  });

  it('know their key as a secret, also after a restart', async () => {
    const server = await startServer();
    await put(server, 'provider', one({ ...cloud, api_key: key }));
    const propose = (at: TestServer) =>
      at.request('POST', '/ops/drafts', { role: 'admin', body: { prompt: `use ${key}` } });
    expectError(await propose(server), 'contains_secret');
    expectError(await propose(await server.restart()), 'contains_secret');
  });

  it.each([
    ['ORCH_TOKEN', reference('ORCH_TOKEN')],
    ['ORCH_TOKEN, as env', reference('env:ORCH_OPERATOR_TOKEN')],
    ['ORCH_TOKEN in another case', reference('env:orch_token')],
    ['GIMO_AGENT_TOKEN', reference('GIMO_AGENT_TOKEN')],
    ['a token of the vault', reference('secret:token.admin')],
    ['the key of another', reference('secret:provider.other')],
  ])('cannot refer to %s', async (_name, api_key) => {
    const server = await startServer();
    const reply = await put(server, 'provider', one({ ...cloud, api_key }));
    expect(locsOf(reply)).toEqual([['body', 'providers', 'cloud', 'api_key']]);
    expect(await get(server, 'provider')).toMatchObject({ active: 'offline' });
  });

  it.each([
    'https://user:pass@models.example/v1',
    'https://user@models.example/v1',
    'https://:pass@models.example/v1',
    'ftp://models.example',
    'file:///etc/passwd',
    'models.example',
    'https://models.example/v1?key=x',
    'https://',
  ])('refuse the address %s, and do not repeat it', async (base_url) => {
    const server = await startServer();
    const reply = await put(server, 'provider', one({ ...cloud, base_url }));
    expect(locsOf(reply)).toEqual([['body', 'providers', 'cloud', 'base_url']]);
    expect(reply.text).not.toContain('pass@');
    expect(reply.text).not.toContain('models.example');
  });

  it.each(['../up', 'a/b', '.hidden', '', 'x'.repeat(65), 'a b'])(
    'refuse the name "%s"',
    async (name) => {
      const server = await startServer();
      const body = { active: name, providers: { [name]: { type: 'offline', model: 'x' } } };
      expectError(await put(server, 'provider', body), 'validation_error');
    },
  );

  it('refuse another type', async () => {
    const server = await startServer();
    const reply = await put(server, 'provider', one({ ...cloud, type: 'shell' }));
    expect(locsOf(reply)).toEqual([['body', 'providers', 'cloud', 'type']]);
  });
});
