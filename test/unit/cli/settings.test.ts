import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../../src/contract/records.ts';
import { gimo, type Options } from './gimo.ts';
import { type Reply, refuse, startWire, type Wire } from './wire.ts';

const digest = 'cd'.repeat(32);
const change = (fields: Record<string, unknown> = {}) => ({
  ...{ what: 'config', accepted: defaultConfig, problem: null, notes: [], digest },
  found: { ...defaultConfig, run_timeout_s: 9 },
  ...fields,
});
const providers = {
  active: 'offline',
  providers: { offline: { type: 'offline', model: 'offline', api_key: null } },
};

let wire: Wire;
let config: Record<string, unknown>;
let configured: object;
let answered: Reply;
let changes: unknown[];
beforeEach(async () => {
  config = defaultConfig;
  configured = providers;
  answered = { body: defaultConfig };
  changes = [change()];
  wire = await startWire({
    'GET /ops/config': () => ({ body: config }),
    'PUT /ops/config': () => answered,
    'GET /ops/provider': () => ({ body: configured, headers: { etag: '"seen"' } }),
    'POST /ops/provider/check': () => ({ body: { ok: true, latency_ms: 1, detail: 'It is.' } }),
    'PUT /ops/provider': ({ body }) => ({ body }),
    'GET /ops/changes': () => ({ body: changes }),
    'POST /ops/changes/config/accept': () => ({ body: [] }),
    'POST /ops/changes/config/restore': () => ({ body: [] }),
    'POST /ops/tokens/agent/rotate': () => ({ body: { role: 'agent', token: 'new-token' } }),
    'POST /ui/security/lockdown': () => ({ body: { status: 'locked down' } }),
  });
});
afterEach(() => wire.close());

const run = (args: string[], options: Options = {}) => gimo(args, { url: wire.url, ...options });
const sent = () =>
  wire.seen.filter(({ method }) => method !== 'GET').map(({ path, body }) => [path, body]);
const plain = { NO_COLOR: '1' };
const atTerminal = (stdin: string): Options => ({ columns: 100, stdin, env: plain });

describe('config set', () => {
  test('sends numbers, lists and texts as what they are, and nothing else', async () => {
    const fields = ['run_timeout_s=9', 'default_auto_run=true', 'approval_channel=any'];
    const { code } = await run(['config', 'set', ...fields, 'command_allowlist=[]']);
    expect(code).toBe(0);
    const patch = { run_timeout_s: 9, default_auto_run: true, approval_channel: 'any' };
    expect(sent()).toEqual([['/ops/config', { ...patch, command_allowlist: [] }]]);
  });

  test('says that the person in the editor was asked', async () => {
    answered = { status: 202, body: { pending: 'editor' } };
    const { code, out } = await run(['config', 'set', 'approval_channel=any']);
    expect(code).toBe(0);
    expect(out).toContain('Asked in the editor; nothing is changed until');
  });
});

describe('config allow', () => {
  const real = { realPath: async (_: string, name: string) => `/real/${name}` };
  const entry = { program: '/real/node', args_prefix: ['--test'] };

  test('shows the real path, asks, and adds the program to those that may run', async () => {
    config = { ...defaultConfig, command_allowlist: [{ program: '/bin/x', args_prefix: [] }] };
    const args = ['config', 'allow', 'node', '--', '--test'];
    const { code, out } = await run(args, { ...atTerminal('yes\n'), ...real });
    expect(code).toBe(0);
    expect(out).toContain('"/real/node" with arguments that begin with ["--test"]');
    expect(sent()).toEqual([
      ['/ops/config', { command_allowlist: [{ program: '/bin/x', args_prefix: [] }, entry] }],
    ]);
  });

  test('changes nothing after a no, and for a program that there is not', async () => {
    const no = await run(['config', 'allow', 'node'], { ...atTerminal('y\n'), ...real });
    const none = await run(['config', 'allow', 'nosuch', '--yes']);
    expect([no.code, none.code, sent()]).toEqual([1, 1, []]);
    expect(no.err).toContain('Nothing was changed.');
    expect(none.err).toContain('no program that can be found');
  });

  test('does not list a program twice', async () => {
    config = { ...defaultConfig, command_allowlist: [entry] };
    await run(['config', 'allow', 'node', '--yes', '--', '--test'], real);
    expect(sent()).toEqual([['/ops/config', { command_allowlist: [entry] }]]);
  });
});

describe('provider', () => {
  const add = ['provider', 'add', 'mine', '--type', 'openai_compat', '--model', 'm'];
  const at = ['--base-url', 'http://127.0.0.1:9/v1'];
  const entry = { type: 'openai_compat', model: 'm', base_url: 'http://127.0.0.1:9/v1' };
  const added = (api_key: string | null, active = 'offline') => [
    [
      '/ops/provider',
      { active, providers: { ...providers.providers, mine: { ...entry, api_key } } },
    ],
  ];

  test('add takes the key from the standard input', async () => {
    const { code, out, err } = await run([...add, ...at, '--use'], { stdin: 'k-123\n' });
    expect(code).toBe(0);
    expect(sent()).toEqual(added('k-123', 'mine'));
    expect(out + err).not.toContain('k-123');
  });

  test('add asks for the key on a terminal, and takes none where Enter is all', async () => {
    const { code, err } = await run([...add, ...at], atTerminal('\n'));
    expect(code).toBe(0);
    expect(err).toContain('Key (not shown; Enter for none):');
    expect(sent()).toEqual(added(null));
  });

  test('add can name a variable of the server, and can leave the key as it is', async () => {
    await run([...add, ...at, '--key-env', 'MY_KEY'], { stdin: 'not read' });
    await run([...add, ...at, '--no-key'], { stdin: 'not read' });
    expect(sent()).toEqual([...added(`\${env:MY_KEY}`), ...added(null)]);
  });

  test('a key is no argument: as one it is a usage error, and nothing is sent', async () => {
    const { code } = await run([...add, ...at, '--key', 'k-123']);
    expect([code, wire.all]).toEqual([2, []]);
  });

  test('a key with a character that no key has is refused without being told', async () => {
    const { code, out, err } = await run([...add, ...at], { stdin: 'k 123' });
    expect([code, sent()]).toEqual([2, []]);
    expect(out + err).not.toContain('k 123');
  });

  test('add says in a line what became of the key', async () => {
    const told = async (args: string[], stdin = '') => (await run(args, { stdin })).out;
    const set = 'gimo provider key mine';
    expect(await told([...add, ...at], 'k-123')).toContain('The key of "mine" was set.\n');
    expect(await told([...add, ...at])).toContain(`"mine" has no key. If it needs one: ${set}\n`);
    expect(await told([...add, ...at, '--key-env', 'MY_KEY'])).toContain('is what MY_KEY of');
    configured = { ...providers, providers: { ...providers.providers, mine: entry } };
    expect(await told([...add, ...at])).toContain('keeps the one that it has, if any.');
    expect(await told([...add, '--base-url', 'http://127.0.0.1:8/v1'])).toContain(
      'is not sent to another address',
    );
    const offline = ['provider', 'add', 'offline', '--type', 'offline'];
    expect(await told(offline)).toContain('"offline" needs no key.\n');
  });

  test('add keeps the model that there is, and wants one where there is none', async () => {
    const bare = ['provider', 'add', 'mine', '--type', 'openai_compat', ...at, '--no-key'];
    const none = await run(bare);
    expect([none.code, sent()]).toEqual([2, []]);
    expect(none.err).toContain('Give it with --model');
    configured = { ...providers, providers: { ...providers.providers, mine: entry } };
    expect((await run(bare)).code).toBe(0);
    expect(sent()).toEqual(added(null));
    const other = await run(['provider', 'add', 'mine', '--type', 'gemini', '--no-key']);
    expect([other.code, sent().length]).toEqual([2, 1]);
  });

  describe('key', () => {
    beforeEach(() => {
      configured = { ...providers, providers: { ...providers.providers, mine: entry } };
    });

    test('takes a key from the standard input, and keeps all else', async () => {
      const { code, out, err } = await run(['provider', 'key', 'mine'], { stdin: 'k-123\n' });
      expect([code, sent()]).toEqual([0, added('k-123')]);
      expect(out).toContain('The key of "mine" was set.');
      expect(out + err).not.toContain('k-123');
      expect(wire.seen.at(-1)?.ifMatch).toBe('"seen"');
    });

    test('changes nothing without a key, without such a provider, or where none is used', async () => {
      const none = await run(['provider', 'key', 'mine'], { stdin: '' });
      const enter = await run(['provider', 'key', 'mine'], atTerminal('\n'));
      const unknown = await run(['provider', 'key', 'toString'], { stdin: 'k-123' });
      const offline = await run(['provider', 'key', 'offline'], { stdin: 'k-123' });
      expect([none.code, enter.code, unknown.code, offline.code]).toEqual([2, 2, 1, 1]);
      expect(sent()).toEqual([]);
      expect(offline.err).toContain('needs no key');
    });
  });

  test('remove takes out one that is not active, and tells what to do about the active one', async () => {
    configured = { ...providers, providers: { ...providers.providers, mine: entry } };
    const active = await run(['provider', 'remove', 'offline']);
    const unknown = await run(['provider', 'remove', 'nosuch']);
    expect([active.code, unknown.code, sent()]).toEqual([1, 1, []]);
    expect(active.err).toContain('gimo provider use OTHER');
    expect((await run(['provider', 'remove', 'mine'])).code).toBe(0);
    expect(sent()).toEqual([['/ops/provider', providers]]);
    expect(wire.seen.at(-1)?.ifMatch).toBe('"seen"');
  });

  test('check takes the name of the active one, and says of others that they are not', async () => {
    configured = { ...providers, providers: { ...providers.providers, mine: entry } };
    expect((await run(['provider', 'check', 'offline'])).code).toBe(0);
    const other = await run(['provider', 'check', 'mine']);
    const unknown = await run(['provider', 'check', 'nosuch']);
    expect([other.code, unknown.code]).toEqual([1, 1]);
    expect(other.err).toContain('that is "offline"');
    expect(other.err).toContain('gimo provider use mine');
    expect(sent()).toEqual([['/ops/provider/check', {}]]);
  });

  test('use changes the active one only, and refuses a name that there is not', async () => {
    expect((await run(['provider', 'use', 'toString'])).code).toBe(1);
    expect((await run(['provider', 'use', 'offline'])).code).toBe(0);
    expect(sent()).toEqual([['/ops/provider', providers]]);
  });
});

describe('what was changed outside', () => {
  test('accept shows what differs, asks, and sends the digest of what it showed', async () => {
    const { code, out } = await run(['accept', 'config'], atTerminal('yes\n'));
    expect(code).toBe(0);
    expect(out).toContain('-  "run_timeout_s": 300,\n+  "run_timeout_s": 9,');
    expect(out).toContain('config.json is in force.');
    expect(sent()).toEqual([['/ops/changes/config/accept', { digest }]]);
  });

  test('a field that the file leaves out is shown with its default', async () => {
    changes = [change({ found: { run_timeout_s: 9 } })];
    const { out } = await run(['changes']);
    expect(out.match(/^[-+] {2}/gm)).toEqual(['-  ', '+  ']);
    expect(out).toContain('gimo accept config, or gimo restore config');
  });

  test('accepts nothing after a no, what cannot be accepted, or what was not changed', async () => {
    const no = await run(['accept', 'config'], atTerminal('no\n'));
    changes = [change({ found: 'torn\u001b[2J', problem: 'It is not JSON.\u001b[2J' })];
    const unfit = await run(['accept', 'config', '--yes']);
    changes = [];
    const none = await run(['accept', 'config', '--yes']);
    expect([no.code, unfit.code, none.code, sent()]).toEqual([1, 1, 1, []]);
    expect(unfit.out).toContain('It is not JSON.\\u{001B}[2J');
    expect(none.err).toContain('nothing to decide');
  });

  test('restore works on what cannot be accepted', async () => {
    changes = [change({ found: null, problem: 'The file is gone.' })];
    expect((await run(['restore', 'config', '--yes'])).code).toBe(0);
    expect(sent()).toEqual([['/ops/changes/config/restore', {}]]);
  });

  test('changes says when there are none', async () => {
    changes = [];
    expect(await run(['changes'])).toMatchObject({
      code: 0,
      out: 'Nothing was changed outside.\n',
    });
  });
});

test('token rotate prints the token and nothing else on the standard output', async () => {
  const { code, out, err } = await run(['token', 'rotate', 'agent', '--yes']);
  expect([code, out]).toEqual([0, 'new-token\n']);
  expect(err).toContain('told this once');
  expect((await run(['token', 'rotate', 'agent'], atTerminal('no\n'))).code).toBe(1);
  expect(sent()).toHaveLength(1);
});

test('lockdown sends its reason, and asks nobody', async () => {
  expect((await run(['lockdown', '--reason', 'leak'])).code).toBe(0);
  expect((await run(['lockdown'])).code).toBe(0);
  expect(sent()).toEqual([
    ['/ui/security/lockdown', { reason: 'leak' }],
    ['/ui/security/lockdown', {}],
  ]);
});

test('a refusal of the server is told in its words, with exit code 1', async () => {
  answered = refuse(503, 'lockdown', 'System in LOCKDOWN. Only reading.');
  const { code, err } = await run(['config', 'set', 'run_timeout_s=9']);
  expect([code, err]).toEqual([1, 'gimo: System in LOCKDOWN. Only reading.\n']);
});
