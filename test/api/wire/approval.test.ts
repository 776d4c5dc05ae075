import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { digestSubject } from '../../../src/contract/digest.ts';
import { Draft } from '../../../src/contract/operations.ts';
import { Approved } from '../../../src/contract/records.ts';
import { canonical } from '../../../src/core/digest.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { type Reply, startServer, type TestServer } from '../harness.ts';
import { approve, auditOf, expectError, newDraft } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keep: true });
  return server.dispose;
});

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.request(method, path, { role: 'admin', body, headers });
const read = async (id: string) => {
  const reply = await ask('GET', `/ops/drafts/${id}`);
  return { draft: Draft.parse(reply.body), etag: reply.headers.etag ?? '' };
};
const says = (reply: Reply) => String(Object(reply.body).detail);
const providerWith = (model: string) => ({
  active: 'offline',
  providers: { offline: { type: 'offline', model } },
});

describe('an entity tag', () => {
  it('answers 304 without a body as long as the record is the same', async () => {
    const { id } = await newDraft(server);
    const { etag } = await read(id);
    expect(etag).toMatch(/^"[0-9a-f]+"$/);
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const same = await ask('GET', `/ops/drafts/${id}`, undefined, { 'if-none-match': tag });
      expect([same.status, same.text, same.headers.etag]).toEqual([304, '', etag]);
    }
    await ask('PUT', `/ops/drafts/${id}`, { prompt: 'other' });
    const other = await ask('GET', `/ops/drafts/${id}`, undefined, { 'if-none-match': etag });
    expect(other.status).toBe(200);
    expect(other.headers.etag).not.toBe(etag);
  });

  it.each(['/ops/config', '/ops/provider'])('stands on %s as well', async (path) => {
    const { etag = '' } = (await ask('GET', path)).headers;
    expect((await ask('GET', path, undefined, { 'if-none-match': etag })).status).toBe(304);
  });

  it('comes with what a mutation answers, and is that of the next read', async () => {
    const made = await ask('POST', '/ops/drafts', { prompt: 'x' });
    expect(made.headers.etag).toBe((await read(Draft.parse(made.body).id)).etag);
  });

  it.each([
    ['PUT', '', { prompt: 'mine' }],
    ['POST', '/reject', {}],
    ['POST', '/approve', {}],
  ])('that is stale stops %s %s with 412, and nothing happens', async (method, more, body) => {
    const { id } = await newDraft(server);
    const { etag: stale } = await read(id);
    await ask('PUT', `/ops/drafts/${id}`, { content: 'theirs' });
    const before = await read(id);
    for (const tag of [stale, '"x"', `W/${before.etag}`, 'x', ''])
      expectError(
        await ask(method, `/ops/drafts/${id}${more}`, body, { 'if-match': tag }),
        'stale',
      );
    expect(await read(id)).toEqual(before);
    const list = `"x", ${before.etag}`;
    expect((await ask(method, `/ops/drafts/${id}${more}`, body, { 'if-match': list })).status).toBe(
      200,
    );
  });
});

describe('a digest', () => {
  it('is SHA-256 over the RFC 8785 form of what would be approved', async () => {
    const { id } = await newDraft(server, { context: { z: 1, a: [true, null] }, content: 'c' });
    const { draft } = await read(id);
    expect(draft.provider_resolved).toMatchObject({
      name: 'offline',
      type: 'offline',
      origin: null,
    });
    expect(draft.digest).toBe(sha256(canonical(digestSubject(draft, draft.provider_resolved))));
  });

  it.each(['digest', 'shown_digest'])(
    'as %s in query or body approves what it names',
    async (field) => {
      const one = await newDraft(server);
      const inQuery = await ask('POST', `/ops/drafts/${one.id}/approve?${field}=${one.digest}`);
      expect(inQuery.status).toBe(200);
      const two = await newDraft(server);
      const inBody = await ask('POST', `/ops/drafts/${two.id}/approve`, { [field]: two.digest });
      const { approved } = z.object({ approved: Approved }).parse(inBody.body);
      expect(approved.digest).toBe(two.digest);
      expect(approved.shown_digest).toBe(field === 'shown_digest' ? two.digest : null);
    },
  );

  it.each(['digest', 'shown_digest'])('as %s that is stale after an edit: 412', async (field) => {
    const { id, digest } = await newDraft(server);
    await ask('PUT', `/ops/drafts/${id}`, { prompt: 'other' });
    const path = `/ops/drafts/${id}/approve`;
    expectError(await ask('POST', path, { [field]: digest }), 'stale');
    expectError(await ask('POST', `${path}?${field}=${digest}`), 'stale');
    expectError(await ask('POST', `${path}?${field}=`), 'stale');
    expect((await read(id)).draft).toMatchObject({ status: 'draft', approved_id: null });
  });

  it('is the same again when an edit is taken back', async () => {
    const { id, digest, prompt } = await newDraft(server);
    await ask('PUT', `/ops/drafts/${id}`, { prompt: 'other' });
    await ask('PUT', `/ops/drafts/${id}`, { prompt });
    expect((await read(id)).draft.digest).toBe(digest);
  });

  it('changes with the provider: 412, and the artifact of before no longer runs', async () => {
    const early = await approve(server, (await newDraft(server)).id);
    const { id, digest } = await newDraft(server);
    await ask('PUT', '/ops/provider', providerWith('another'));
    expectError(await ask('POST', `/ops/drafts/${id}/approve?digest=${digest}`), 'stale');
    const run = await ask('POST', '/ops/runs', { approved_id: early.id });
    expectError(run, 'approval_invalid');
    const shown = Approved.parse((await ask('GET', `/ops/approved/${early.id}`)).body);
    expect(shown).toMatchObject({ runnable: false, blocked_reason: says(run) });
    await ask('PUT', '/ops/provider', providerWith('offline'));
    expect((await ask('POST', `/ops/drafts/${id}/approve?digest=${digest}`)).status).toBe(200);
  });

  it('names the provider that the artifact names, even if that changes at this moment', async () => {
    const drafts = await Promise.all(Array.from({ length: 12 }, () => newDraft(server)));
    const changes = ['a', 'b', 'c'].map((model) =>
      ask('PUT', '/ops/provider', providerWith(model)),
    );
    const said = drafts.map(({ id }) => ask('POST', `/ops/drafts/${id}/approve`));
    await Promise.all([...changes, ...said]);
    for (const reply of await Promise.all(said)) {
      const { approved } = z.object({ approved: Approved }).parse(reply.body);
      const subject = digestSubject(approved, approved.provider_resolved);
      expect(approved.digest).toBe(sha256(canonical(subject)));
    }
    await ask('PUT', '/ops/provider', providerWith('offline'));
  });
});

describe('what is decided', () => {
  it('cannot be approved twice', async () => {
    const { id } = await newDraft(server);
    await approve(server, id);
    const again = await ask('POST', `/ops/drafts/${id}/approve`);
    expectError(again, 'conflict_state');
    expect(says(again)).toContain('approved');
  });

  it('makes one artifact when four approve at once', async () => {
    const count = async () => Number((await ask('GET', '/ops/approved')).headers['x-total-count']);
    const before = await count();
    const { id } = await newDraft(server);
    const path = `/ops/drafts/${id}/approve`;
    const said = await Promise.all([1, 2, 3, 4].map(() => ask('POST', path)));
    expect(said.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(await count()).toBe(before + 1);
  });

  it('is one thing or the other when one approves and one rejects at once', async () => {
    const { id } = await newDraft(server);
    const said = await Promise.all(
      ['approve', 'reject'].map((what) => ask('POST', `/ops/drafts/${id}/${what}`)),
    );
    expect(said.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it.each(['approve', 'reject'])('by %s cannot be edited, rejected or approved', async (how) => {
    const { id } = await newDraft(server);
    await ask('POST', `/ops/drafts/${id}/${how}`, { reason: 'because' });
    const { draft } = await read(id);
    const state = how === 'approve' ? 'approved' : 'rejected';
    for (const [method, more] of [
      ['PUT', ''],
      ['POST', '/reject'],
      ['POST', '/approve'],
    ] as const) {
      const refused = await ask(method, `/ops/drafts/${id}${more}`, { prompt: 'x' });
      expectError(refused, 'conflict_state');
      expect(says(refused)).toContain(state);
    }
    expect((await read(id)).draft).toEqual(draft);
    expect(draft).toMatchObject(
      how === 'approve'
        ? { status: 'approved', reject_reason: null }
        : { status: 'rejected', reject_reason: 'because', approved_id: null },
    );
  });

  it('names who decided, and when', async () => {
    const { id } = await newDraft(server);
    const artifact = await approve(server, id);
    expect(artifact.approved_by).toMatch(/^operator:[0-9a-f]{12}$/);
    expect(artifact.approved_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(artifact).toMatchObject({ draft_id: id, runnable: true, blocked_reason: null });
    expect((await read(id)).draft.approved_id).toBe(artifact.id);
  });

  it('may need a reason, if the configuration says so', async () => {
    const { id } = await newDraft(server);
    await ask('PUT', '/ops/config', { require_reason_on_reject: true });
    for (const body of [{}, { reason: null }, { reason: '  ' }])
      expectError(await ask('POST', `/ops/drafts/${id}/reject`, body), 'validation_error');
    await ask('PUT', '/ops/config', { require_reason_on_reject: false });
    expect((await ask('POST', `/ops/drafts/${id}/reject`)).status).toBe(200);
  });
});

describe('what cannot be proposed', () => {
  it('a token, wherever it stands', async () => {
    for (const role of ['admin', 'operator', 'actions', 'agent'] as const) {
      const token = server.host.token(role);
      const bodies = [
        { prompt: `use ${token} please` },
        { prompt: 'x', content: token },
        { prompt: 'x', context: { deep: [{ er: token }] } },
        { prompt: 'x', context: { [token]: 1 } },
        { prompt: 'x', plan_task_id: token },
        { prompt: 'x', steps: [{ id: 's', kind: 'prompt', text: token }] },
      ];
      for (const body of bodies) {
        const refused = await ask('POST', '/ops/drafts', body);
        expectError(refused, 'contains_secret');
        expect(refused.text).not.toContain(token);
      }
    }
    const token = server.host.token('admin');
    const { id } = await newDraft(server);
    expectError(await ask('PUT', `/ops/drafts/${id}`, { content: token }), 'contains_secret');
    const reason = { reason: token };
    expectError(await ask('POST', `/ops/drafts/${id}/reject`, reason), 'contains_secret');
    const plan = { id: 'p', title: token, workspace: '.', created: '', objective: '' };
    expectError(await ask('PUT', '/ops/plan', plan), 'contains_secret');
    expectError(await ask('POST', '/ops/generate', { prompt: token }), 'contains_secret');
    expectError(await ask('POST', `/ops/generate?prompt=${token}`), 'contains_secret');
    const texts = JSON.stringify([server.lines, await auditOf(server)]);
    expect(texts).not.toContain(token);
  });

  it('steps that cannot be told apart, or are of no known kind', async () => {
    const twice = [1, 2].map((text) => ({ id: 's', kind: 'prompt', text: `${text}` }));
    expectError(
      await ask('POST', '/ops/drafts', { prompt: 'x', steps: twice }),
      'validation_error',
    );
    const unknown = [{ id: 's', kind: 'shell', text: 'x' }];
    expectError(
      await ask('POST', '/ops/drafts', { prompt: 'x', steps: unknown }),
      'validation_error',
    );
  });
});

describe('what cannot be run', () => {
  it.each(['approve', 'leave'])('a draft (%s it first)', async (what) => {
    const { id } = await newDraft(server);
    if (what === 'approve') await approve(server, id);
    const refused = await ask('POST', '/ops/runs', { approved_id: id });
    expect(expectError(refused, 'draft_id_not_runnable').detail).toBe(
      'Runs can only be created from approved_id',
    );
  });

  it('a draft that is not even there', async () => {
    for (const approved_id of ['d_1_abcdef', 'd_', 'd_../../x'])
      expectError(await ask('POST', '/ops/runs', { approved_id }), 'draft_id_not_runnable');
  });

  it('an artifact that is not there', async () => {
    expectError(await ask('POST', '/ops/runs', { approved_id: 'a_1_abcdef' }), 'not_found');
  });

  const edits: [string, (artifact: Record<string, unknown>) => object][] = [
    ['another prompt', () => ({ prompt: 'rm -rf /' })],
    ['another content', () => ({ content: 'more' })],
    ['more context', () => ({ context: { more: 1 } })],
    ['another approver', () => ({ approved_by: 'admin:0123456789ab' })],
    ['no end', () => ({ expires_at: '2999-01-01T00:00:00.000Z' })],
    ['another seal', () => ({ seal: '0'.repeat(64) })],
    ['no seal', () => ({ seal: null })],
    [
      'another model',
      () => ({ provider_resolved: { name: 'offline', type: 'offline', origin: null, model: 'x' } }),
    ],
    [
      'a digest of its own',
      (artifact) => {
        const { provider_resolved } = Approved.partial().parse(artifact);
        const subject = { prompt: 'evil', content: '', context: {}, steps: null };
        return {
          ...subject,
          digest: sha256(canonical(digestSubject(subject, provider_resolved ?? null))),
        };
      },
    ],
  ];
  it.each(edits)('an artifact whose file was given %s', async (_name, edit) => {
    const { id } = await approve(server, (await newDraft(server)).id);
    const file = join(server.host.dataDir, 'ops', 'approved', `${id}.json`);
    const artifact = z
      .record(z.string(), z.unknown())
      .parse(JSON.parse(await readFile(file, 'utf8')));
    await writeFile(file, JSON.stringify({ ...artifact, ...edit(artifact) }));

    const refused = await ask(
      'POST',
      '/ops/runs',
      { approved_id: id },
      { 'x-correlation-id': `run-${id}` },
    );
    expectError(refused, 'approval_invalid');
    const shown = Approved.parse((await ask('GET', `/ops/approved/${id}`)).body);
    expect(shown.runnable).toBe(false);
    expect(shown.blocked_reason).toBe(says(refused));
    const entries = (await auditOf(server)).filter((one) => one.correlation_id === `run-${id}`);
    expect(entries).toMatchObject([
      { operation: 'createRun', outcome: 'approval_invalid', target: id },
    ]);
    const runs = z
      .array(z.looseObject({ approved_id: z.string() }))
      .parse((await ask('GET', '/ops/runs')).body);
    expect(runs.some(({ approved_id }) => approved_id === id)).toBe(false);
  });

  it('an artifact of the Python service, which can be read', async () => {
    const old = await startServer();
    await old.host.stop();
    const id = 'a_1795403040663_eded5f';
    const folder = join(old.root, '.orch_data', 'ops', 'approved');
    await mkdir(folder, { recursive: true });
    const fixture = join(
      import.meta.dirname,
      '../../fixtures/upstream-data/approved',
      `${id}.json`,
    );
    await writeFile(join(folder, `${id}.json`), await readFile(fixture));
    const next = await startServer({ dir: old.dir });
    const shown = await next.request('GET', `/ops/approved/${id}`, { role: 'actions' });
    expect(shown.body).toMatchObject({ id, prompt: 'p', seal: null, runnable: false });
    expect(Approved.parse(shown.body).blocked_reason).toMatch(/no seal/);
    const body = { approved_id: id };
    expectError(
      await next.request('POST', '/ops/runs', { role: 'operator', body }),
      'approval_invalid',
    );
  });

  it('an approval for longer than it was given: its end stands in the artifact', async () => {
    await ask('PUT', '/ops/config', { approval_ttl_minutes: 1 });
    const artifact = await approve(server, (await newDraft(server)).id);
    await ask('PUT', '/ops/config', { approval_ttl_minutes: 0 });
    const minute = Date.parse(artifact.expires_at ?? '') - Date.parse(artifact.approved_at);
    expect(minute).toBe(60_000);
  });
});

describe('the channel of approvals', () => {
  it('set to the editor, is closed to tokens on a server without one', async () => {
    const { id } = await newDraft(server);
    await ask('PUT', '/ops/config', { approval_channel: 'editor' });
    expectError(await ask('POST', `/ops/drafts/${id}/approve`), 'editor_required');
    await ask('PUT', '/ops/config', { approval_channel: 'auto' });
    expect((await ask('POST', `/ops/drafts/${id}/approve`)).status).toBe(200);
  });
});
