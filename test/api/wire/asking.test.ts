import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { httpTransport } from '../../../src/client/http.ts';
import { Pending } from '../../../src/contract/operation.ts';
import { Draft, opIds, table } from '../../../src/contract/operations.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import type { Person, Question } from '../../../src/core/work.ts';
import { type StartOptions, startServer, type TestServer } from '../harness.ts';
import { approve, auditOf, expectError, newDraft } from './support.ts';

const pending = { pending: 'editor' };
const edit = (path: string) => ({
  ...{ id: path.replaceAll('.', '-'), kind: 'edit' },
  changes: [{ path, base_sha256: null, text: 'new' }],
});
const effects = { steps: [edit('a.txt')] };

/** A person who leaves every question open until the test says that it is over. */
function patient() {
  const asked: Question[] = [];
  const overs: (() => void)[] = [];
  const person: Person = {
    ask(question) {
      asked.push(question);
      return new Promise((resolve) => overs.push(resolve));
    },
  };
  return { person, asked, over: () => overs.splice(0).map((resolve) => resolve()) };
}

/** A server that an editor hosts, with a person in it. */
async function hosted(options: StartOptions = {}) {
  const { person, asked, over } = patient();
  const server = await startServer({ hostedBy: 'editor', person, ...options });
  return { server, asked, over, editor: server.host.client };
}

interface Sent {
  role?: TokenRole;
  body?: object;
  headers?: Record<string, string>;
}
const post = (server: TestServer, path: string, { role = 'operator', ...sent }: Sent = {}) =>
  server.request('POST', path, { role, ...sent });
const approvePath = ({ id, digest }: Draft, more = '') =>
  `/ops/drafts/${id}/approve?digest=${digest}${more}`;
const read = async (server: TestServer, id: string) => {
  const reply = await server.request('GET', `/ops/drafts/${id}`, { role: 'operator' });
  return { draft: Draft.parse(reply.body), etag: reply.headers.etag ?? '' };
};
const setConfig = (server: TestServer, body: object) =>
  server.request('PUT', '/ops/config', { role: 'admin', body });

describe('a draft that changes something, on a server that an editor hosts', () => {
  it('is asked there: 202, and nothing else has happened', async () => {
    const { server, asked } = await hosted();
    const draft = await newDraft(server, effects);
    const reply = await post(server, approvePath(draft), {
      headers: { 'x-correlation-id': 'the-approve' },
    });
    expect([reply.status, reply.body]).toEqual([202, pending]);
    expect(reply.headers.etag).toBeUndefined();
    expect(asked).toMatchObject([
      { about: 'approve', draft: { id: draft.id, prompt: draft.prompt } },
    ]);
    expect(asked[0]?.actor).toMatch(/^operator:[0-9a-f]{12}$/);
    expect((await read(server, draft.id)).draft).toMatchObject({ status: 'draft' });
    const entries = (await auditOf(server)).filter((one) => one.correlation_id === 'the-approve');
    expect(entries.map(({ target, outcome }) => [target, outcome])).toEqual([
      [draft.id, 'intent'],
      [draft.id, 'asked'],
    ]);
  });

  it('is asked of the admin, too, and taken from the editor at once', async () => {
    const { server, asked, editor } = await hosted();
    const [one, two] = [await newDraft(server, effects), await newDraft(server, effects)];
    expect((await post(server, approvePath(one), { role: 'admin' })).status).toBe(202);
    const named = { draft_id: two.id, digest: two.digest ?? '' };
    const { approved } = table.approveDraft.output.parse(await editor.call('approveDraft', named));
    expect(approved.approved_by).toMatch(/^editor:/);
    expect(asked).toHaveLength(1);
  });

  it('is one question however often it is asked, and another when that one is over', async () => {
    const { server, asked, over } = await hosted();
    const draft = await newDraft(server, effects);
    const replies = await Promise.all(
      [1, 2, 3].map(() => post(server, approvePath(draft, '&auto_run=true'))),
    );
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(asked).toHaveLength(1);
    over();
    expect((await post(server, approvePath(draft))).status).toBe(202);
    expect(asked).toHaveLength(2);
  });

  it('keeps nothing under an idempotency key: the next call is answered with what is true by then', async () => {
    const { server, editor } = await hosted();
    const draft = await newDraft(server, effects);
    const again = () => post(server, approvePath(draft), { headers: { 'idempotency-key': 'k' } });
    expect([(await again()).status, (await again()).status]).toEqual([202, 202]);
    await editor.call('setConfig', { approval_channel: 'any' });
    const done = await again();
    expect(done.status).toBe(200);
    expect((await again()).body).toEqual(done.body);
    const { draft: now } = await read(server, draft.id);
    expect(Object(done.body).approved.id).toBe(now.approved_id);
  });

  it('that was approved in the editor meanwhile is not approved again by the same key', async () => {
    const { server, asked, editor } = await hosted();
    const draft = await newDraft(server, effects);
    const again = () => post(server, approvePath(draft), { headers: { 'idempotency-key': 'k' } });
    expect((await again()).status).toBe(202);
    await editor.call('approveDraft', { draft_id: draft.id, digest: draft.digest ?? '' });
    expect(expectError(await again(), 'conflict_state').detail).toContain('approved');
    const { draft: now } = await read(server, draft.id);
    expect(now).toMatchObject({ status: 'approved', approved_id: expect.stringMatching(/^a_/) });
    expect(asked).toHaveLength(1);
  });

  it('that is not what the caller saw is a 412, and no question', async () => {
    const { server, asked, editor } = await hosted();
    const draft = await newDraft(server, effects);
    const { etag } = await read(server, draft.id);
    await editor.call('editDraft', { draft_id: draft.id, prompt: 'Something else' });
    expectError(await post(server, approvePath(draft)), 'stale');
    const path = `/ops/drafts/${draft.id}/approve`;
    expectError(await post(server, path, { headers: { 'if-match': etag } }), 'stale');
    await editor.call('rejectDraft', { draft_id: draft.id });
    expectError(await post(server, approvePath(draft)), 'conflict_state');
    expectError(await post(server, '/ops/drafts/d_1_abcdef/approve?digest=x'), 'not_found');
    expect(asked).toEqual([]);
  });

  it.each(['actions', 'agent'] as const)('is nothing that %s may ask for', async (role) => {
    const { server, asked } = await hosted();
    const draft = await newDraft(server, effects);
    expectError(await post(server, approvePath(draft), { role }), 'role_required');
    expect(asked).toEqual([]);
  });

  it('is not asked about in a lockdown', async () => {
    const { server, asked } = await hosted();
    const draft = await newDraft(server, effects);
    await post(server, '/ui/security/lockdown');
    expectError(await post(server, approvePath(draft)), 'lockdown');
    expect(asked).toEqual([]);
  });

  it('where nobody can be asked is refused', async () => {
    const server = await startServer({ hostedBy: 'editor' });
    const draft = await newDraft(server, effects);
    expectError(await post(server, approvePath(draft)), 'editor_required');
  });

  it('reaches a typed client as pending, and the row says that it may', async () => {
    const { server } = await hosted();
    const { id: draft_id, digest } = await newDraft(server, effects);
    const client = createClient(httpTransport(server.host.url, server.host.token('operator')));
    const found = await client.answer('approveDraft', { draft_id, digest: digest ?? '' });
    expect([found.status, found.body]).toEqual([202, pending]);
    for (const id of opIds.filter((id) => 'asks' in table[id])) {
      const asking = createClient({ send: async () => ({ status: 202, body: pending }) });
      expect(Pending.parse(await Object(asking).call(id, {})), id).toEqual(pending);
    }
  });
});

describe('the channel', () => {
  it.each([
    ['auto', 200],
    ['any', 200],
    ['editor', 202],
  ] as const)('%s, on a hosted server: of texts alone %i', async (approval_channel, status) => {
    const { server, asked, editor } = await hosted();
    await editor.call('setConfig', { approval_channel });
    const { id } = await newDraft(server);
    expect((await post(server, `/ops/drafts/${id}/approve`)).status).toBe(status);
    expect(asked).toHaveLength(status === 202 ? 1 : 0);
  });

  it('any, on a hosted server, is open to tokens for what changes something', async () => {
    const { server, editor } = await hosted();
    await editor.call('setConfig', { approval_channel: 'any' });
    expect((await post(server, approvePath(await newDraft(server, effects)))).status).toBe(200);
  });

  it('without an editor is open to tokens, unless it is the editor', async () => {
    const server = await startServer();
    for (const approval_channel of ['auto', 'any']) {
      await setConfig(server, { approval_channel });
      await approve(server, (await newDraft(server)).id);
      expect((await post(server, approvePath(await newDraft(server, effects)))).status).toBe(200);
    }
    await setConfig(server, { approval_channel: 'editor' });
    const texts = await newDraft(server);
    expectError(await post(server, `/ops/drafts/${texts.id}/approve`), 'editor_required');
    const draft = await newDraft(server, effects);
    expectError(await post(server, approvePath(draft)), 'editor_required');
  });
});

describe('an approval of what changes something', () => {
  it('has to name what it is for', async () => {
    const server = await startServer();
    const draft = await newDraft(server, effects);
    const path = `/ops/drafts/${draft.id}/approve`;
    expectError(await post(server, path), 'precondition_required');
    const shown = `${path}?shown_digest=${draft.digest}`;
    expectError(await post(server, shown), 'precondition_required');
    const any = { headers: { 'if-match': '*' } };
    expectError(await post(server, path, any), 'precondition_required');
    const call = server.host.client.call('approveDraft', { draft_id: draft.id });
    await expect(call).rejects.toMatchObject({ code: 'precondition_required' });
    const { etag } = await read(server, draft.id);
    expect((await post(server, path, { headers: { 'if-match': etag } })).status).toBe(200);
  });

  it('has to say so in the editor, too, while texts alone need no name', async () => {
    const { server, asked } = await hosted();
    const draft = await newDraft(server, effects);
    const path = `/ops/drafts/${draft.id}/approve`;
    expectError(await post(server, path), 'precondition_required');
    expect(asked).toEqual([]);
    await approve(server, (await newDraft(server)).id);
  });
});

describe('who may approve, and which programs may run', () => {
  const allowlist = [{ program: '/usr/bin/git', args_prefix: ['status'] }];

  it('comes into force when the person allows it, in their name', async () => {
    const { server, asked, editor } = await hosted();
    const patch = { command_allowlist: allowlist, run_timeout_s: 9 };
    const reply = await server.request('PUT', '/ops/config', {
      ...{ role: 'admin', body: patch, headers: { 'x-correlation-id': 'the-change' } },
    });
    expect([reply.status, reply.body]).toEqual([202, pending]);
    expect(await editor.call('getConfig', {})).toMatchObject({
      command_allowlist: [],
      run_timeout_s: 300,
    });
    const [question] = asked;
    if (question?.about !== 'config') throw new Error('nothing was asked');
    expect(question.changes).toEqual([
      'run_timeout_s: 300 → 9',
      'command_allowlist: adds "/usr/bin/git" with arguments that begin with ["status"]',
    ]);
    await question.accept();
    expect(await editor.call('getConfig', {})).toMatchObject(patch);
    const acts = (await auditOf(server)).filter((one) => one.correlation_id === 'the-change');
    expect(acts.map(({ actor, outcome }) => [actor.split(':')[0], outcome])).toEqual([
      ['admin', 'intent'],
      ['admin', 'asked'],
      ['editor', 'intent'],
      ['editor', 'done'],
    ]);
    const of = await editor.call('getConfig', {});
    await editor.call('setConfig', of);
    const own = (await auditOf(server)).at(-1)?.actor;
    expect(acts.at(-1)?.actor).toBe(own);
  });

  it('is one question for one change', async () => {
    const { server, asked } = await hosted();
    const any = () => setConfig(server, { approval_channel: 'any' });
    expect([(await any()).status, (await any()).status]).toEqual([202, 202]);
    expect(asked).toHaveLength(1);
    expect((await setConfig(server, { approval_channel: 'editor' })).status).toBe(202);
    expect(asked).toHaveLength(2);
  });

  it('does not come into force when it is another change by then, or in a lockdown', async () => {
    const { server, asked, editor } = await hosted();
    await setConfig(server, { approval_channel: 'any' });
    const [question] = asked;
    if (question?.about !== 'config') throw new Error('nothing was asked');
    await post(server, '/ui/security/lockdown');
    await expect(question.accept()).rejects.toMatchObject({ code: 'lockdown' });
    await post(server, '/ui/security/resolve?action=clear_panic');
    await editor.call('setConfig', { approval_channel: 'editor' });
    await expect(question.accept()).rejects.toMatchObject({ code: 'stale' });
    expect(await editor.call('getConfig', {})).toMatchObject({ approval_channel: 'editor' });
  });

  it('is no question where nothing of it changes', async () => {
    const { server, asked } = await hosted();
    const reply = await setConfig(server, { approval_channel: 'auto', max_concurrent_runs: 9 });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ max_concurrent_runs: 9 });
    expect(reply.headers.etag).toBeDefined();
    expect(asked).toEqual([]);
  });

  it('is set by whoever may, where there is no editor', async () => {
    const server = await startServer();
    const reply = await setConfig(server, { command_allowlist: allowlist });
    expect([reply.status, Object(reply.body).command_allowlist]).toEqual([200, allowlist]);
  });
});

describe('a run that waits at a gate', () => {
  const steps = [{ id: 'look', kind: 'gate' }, edit('a.txt')];

  it('goes on when the person in the editor says so, and for others is asked there', async () => {
    const { server, asked, editor } = await hosted();
    const paused = new Promise<string>((resolve) => {
      server.host.onChange(async ({ type, id }) => {
        if (type !== 'run' || id === null) return;
        if ((await editor.call('getRun', { run_id: id })).status === 'paused') resolve(id);
      });
    });
    const { id: draft_id, digest } = await newDraft(server, { steps });
    await editor.call('approveDraft', { draft_id, digest: digest ?? '', auto_run: true });
    const run_id = await paused;
    const path = `/ops/runs/${run_id}/resume`;
    const reply = await post(server, path);
    expect([reply.status, reply.body]).toEqual([202, pending]);
    expect((await post(server, path)).status).toBe(202);
    expect(asked).toMatchObject([{ about: 'resume', run: { id: run_id } }]);
    expect((await editor.call('getRun', { run_id })).status).toBe('paused');
    await editor.call('resumeRun', { run_id });
    expectError(await post(server, path), 'conflict_state');
  });
});

describe('the address of a tunnel', () => {
  it('is a name that the server answers to, and no origin that may call', async () => {
    let publicUrl: string | null = 'https://gimo.example';
    const server = await startServer({ publicUrl: () => publicUrl });
    const get = (headers: Record<string, string>) => server.request('GET', '/health', { headers });
    expect((await get({ host: 'gimo.example' })).status).toBe(200);
    expect((await get({ host: 'Gimo.Example:443' })).status).toBe(200);
    for (const host of ['gimo.example:80', 'evil.example', 'gimo.example.evil.example'])
      expectError(await get({ host }), 'host_refused');
    const origin = 'https://gimo.example';
    expectError(await get({ host: 'gimo.example', origin }), 'origin_refused');
    publicUrl = null;
    expectError(await get({ host: 'gimo.example' }), 'host_refused');
  });
});
