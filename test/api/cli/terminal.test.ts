import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { widthOf } from '../../../src/cli/width.ts';
import { behave, startModelServer } from '../../fixtures/model-server.ts';
import { atTerminal, makePlace, type Place, run } from './support.ts';

let dir: string;
let place: Place;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimo-terminal-'));
  place = await makePlace(dir);
});
afterAll(async () => {
  await place?.server.dispose();
  await rm(dir, { recursive: true, force: true });
});

const propose = (fields: object = {}) =>
  place.server.host.client.call('createDraft', { prompt: 'Greet \u001b[2J the world', ...fields });
const statusOf = async (draft_id: string) =>
  (await place.server.host.client.call('getDraft', { draft_id })).status;
const bytes = async (line: string) => (await atTerminal(place, line)).out;

describe('approve at a terminal', () => {
  const edit = {
    ...{ id: 's1', kind: 'edit' as const },
    changes: [{ path: 'a.txt', text: 'one\n2\n' }],
  };

  test('shows the whole content and a diff before it asks, and a yes approves', async () => {
    await writeFile(join(place.server.root, 'a.txt'), 'one\ntwo\n');
    const { id, digest } = await propose({ content: 'All of it', steps: [edit] });
    const { code, out } = await atTerminal(place, `NO_COLOR=1 gimo approve ${id}`, [
      { at: /Type yes/, type: 'yes\n' },
    ]);
    expect(code).toBe(0);
    const asked = out.indexOf('Approve exactly this?');
    for (const told of ['│ All of it', '-two\n+2\n', 'Greet \\u{001B}[2J the world', digest ?? ''])
      expect(out.slice(0, asked)).toContain(told);
    expect(await statusOf(id)).toBe('approved');
  });

  test('Ctrl-C ends with 130, and nothing is approved', async () => {
    const { id } = await propose();
    const { code, out } = await atTerminal(place, `gimo approve ${id}`, [
      { at: /Type yes/, type: '\u0003' },
    ]);
    expect(code).toBe(130);
    expect(out).toContain('Nothing was approved.');
    expect(await statusOf(id)).toBe('draft');
  });

  test('without a terminal it is refused with words, whatever is typed into it', async () => {
    const { id } = await propose();
    const { code, err } = await run(place, ['gimo', 'approve', id], 'yes\n');
    expect(code).toBe(2);
    expect(err).toContain('There is no terminal to ask on. Give --yes, or --digest');
    expect(await statusOf(id)).toBe('draft');
  });

  test('what was changed while it asked is not approved', async () => {
    const { id } = await propose();
    const change = async () => {
      await place.server.host.client.call('editDraft', { draft_id: id, prompt: 'Other' });
      return 'yes\n';
    };
    const typed = [{ at: /Type yes/, type: change }];
    const { code, out } = await atTerminal(place, `gimo approve ${id}`, typed);
    expect(code).toBe(1);
    expect(out).toContain('changed meanwhile; nothing was approved');
    expect(await statusOf(id)).toBe('draft');
  });
});

test('Ctrl-C while a proposal is made ends with 130, and the draft comes all the same', async () => {
  const models = await startModelServer();
  const { client, onChange } = place.server.host;
  let answer: () => void = () => undefined;
  models.script(behave.slow(new Promise<void>((resolve) => (answer = resolve)), 'All the same.'));
  const before = await client.call('getProvider', {});
  const slow = { type: 'openai_compat' as const, base_url: models.url, model: 'm' };
  await client.call('setProvider', { active: 'slow', providers: { ...before.providers, slow } });
  const interrupt = async () => {
    await models.waitForRequest();
    return '\u0003';
  };
  const line = 'echo asking; gimo generate "Take your time"';
  const { code, out } = await atTerminal(place, line, [{ at: /asking/, type: interrupt }]);
  expect(code).toBe(130);
  expect(out).toContain('the server goes on, and its draft will wait for you. See: gimo drafts');
  const made = new Promise<string | null>((resolve) =>
    onChange(({ type, id }) => type === 'draft' && resolve(id)),
  );
  answer();
  const draft_id = (await made) ?? '';
  expect(await client.call('getDraft', { draft_id })).toMatchObject({
    ...{ prompt: 'Take your time', content: 'All the same.', status: 'draft' },
  });
  await client.call('setProvider', before);
  await models.close();
});

test('a key is not shown while it is typed, and is not in the process list', async () => {
  const key = 'typed-by-a-person';
  const line = 'gimo provider add mine --type gemini --model m';
  const { code, out } = await atTerminal(place, line, [
    { at: /Enter for none\):/, type: `${key}\r` },
  ]);
  expect(code).toBe(0);
  expect(out).not.toContain(key);
  const kept = await readFile(join(place.server.root, '.orch_data/ops/provider.json'), 'utf8');
  expect(kept).toContain('secret:provider.mine');
});

test('a key from the standard input is kept, and is in no answer', async () => {
  const add = ['gimo', 'provider', 'add', 'piped', '--type', 'gemini', '--model', 'm'];
  const added = await run(place, add, 'a-key-from-a-pipe\n');
  expect(added).toMatchObject({ code: 0, err: '' });
  const { out } = await run(place, ['gimo', 'provider', '--json']);
  expect(added.out + out).not.toContain('a-key-from-a-pipe');
  expect(JSON.parse(out)).toMatchObject({ providers: { piped: { api_key: null } } });
});

describe('colours', () => {
  const start = '\u001b[';
  test('are there on a terminal, not with NO_COLOR, and not in a pipe', async () => {
    expect(await bytes('gimo drafts')).toContain(start);
    expect(await bytes('NO_COLOR=1 gimo drafts')).not.toContain(start);
    expect(await bytes('gimo drafts | cat')).not.toContain(start);
  });
  test('are there in a pipe with FORCE_COLOR, and never in JSON', async () => {
    expect(await bytes('FORCE_COLOR=1 gimo drafts | cat')).toContain(start);
    expect(await bytes('FORCE_COLOR=1 gimo drafts --json')).not.toContain(start);
  });
});

test('tables fit the terminal, and the ids stay whole', async () => {
  const { id } = await propose({ prompt: 'Long prompt. 漢字 '.repeat(30) });
  for (const columns of [50, 80, 130]) {
    const out = await bytes(`stty cols ${columns}; NO_COLOR=1 gimo drafts`);
    expect(out).toContain(id);
    expect(out).toContain('…');
    for (const line of out.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  }
});

test('the exit codes are as said', async () => {
  const codes = async (...args: string[]) => (await run(place, ['gimo', ...args])).code;
  expect(await codes('status')).toBe(0);
  expect(await codes('draft', 'show', 'd_1_abcdef')).toBe(1);
  expect(await codes('status', '--odd')).toBe(2);
  expect(await codes()).toBe(2);
  expect(await codes('status', '--root', dir)).toBe(3);
});

test('a role that may not is told so: an agent proposes, and approves nothing', async () => {
  const agent = { ...place, env: { ...place.env, GIMO_TOKEN: place.server.host.token('agent') } };
  const made = await run(agent, ['gimo', 'draft', 'new', 'From an agent', '--json']);
  expect(made.code).toBe(0);
  const { id } = JSON.parse(made.out);
  const refused = await run(agent, ['gimo', 'approve', id, '--yes', '--json']);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.err)).toMatchObject({ code: 'role_required' });
  expect(await statusOf(id)).toBe('draft');
});

test('audit verify ends with 1 once an entry was changed by hand', async () => {
  const dirOf = join(place.server.root, '.orch_data/ops/audit');
  const verify = () => run(place, ['gimo', 'audit', 'verify']);
  expect(await verify()).toMatchObject({ code: 0, err: '' });
  const file = join(dirOf, (await readdir(dirOf)).sort()[0] ?? '');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('createDraft', 'createdraft'));
  const { code, out } = await verify();
  expect(code).toBe(1);
  expect(out).toMatch(/audit +modified/);
});
