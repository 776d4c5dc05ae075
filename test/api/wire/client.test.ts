import { beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient } from '../../../src/client/client.ts';
import { httpTransport } from '../../../src/client/http.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import type { CallOptions } from '../../../src/contract/operation.ts';
import { type Args, type OpId, table } from '../../../src/contract/operations.ts';
import { startServer, type TestServer } from '../harness.ts';

let server: TestServer;
let clients: readonly [Client, Client];
beforeAll(async () => {
  server = await startServer({ keep: true });
  const { host } = server;
  clients = [host.client, createClient(httpTransport(host.url, host.token('admin')))];
  for (let at = 0; at < 5; at += 1)
    await host.client.call('createDraft', { prompt: `draft ${at}` });
  return server.dispose;
});

/** What a call comes to: the answer, or the error. Of some the words differ: an HTTP client says where it was. */
async function outcome<K extends OpId>(
  client: Client,
  id: K,
  args: Args[K],
  options?: CallOptions,
) {
  try {
    return await client.answer(id, args, options);
  } catch (error) {
    if (!GimoError.is(error)) throw error;
    const { code, issues, message } = error;
    if (code === 'validation_error') return { code, issues };
    return code === 'not_found' ? { code } : { code, message };
  }
}

async function both<K extends OpId>(id: K, args: Args[K], options?: CallOptions) {
  const [direct, http] = [
    await outcome(clients[0], id, args, options),
    await outcome(clients[1], id, args, options),
  ];
  expect(http).toEqual(direct);
  return direct;
}

describe('the direct client and the one over HTTP give the same answer', () => {
  it('to reads', async () => {
    const [draft] = await clients[0].call('listDrafts', { limit: 1 });
    const draft_id = draft?.id ?? '';
    expect(await both('getDraft', { draft_id })).toMatchObject({
      status: 200,
      body: { id: draft_id },
    });
    for (const id of ['getConfig', 'getProvider', 'getPlan', 'listApproved', 'listRuns'] as const)
      await both(id, {});
  });

  it('to lists, page by page, with totals and cursors', async () => {
    const first = await both('listDrafts', {
      limit: 2,
      status: ['draft', 'error'],
      view: 'summary',
    });
    expect(first).toMatchObject({ page: { total: 5, next: expect.any(String) } });
    const cursor = 'page' in first ? (first.page?.next ?? '') : '';
    const query = { limit: 3, status: ['draft', 'error'], view: 'summary' } as const;
    const rest = await both('listDrafts', { ...query, status: [...query.status], cursor });
    expect(rest).toMatchObject({ page: { total: 5, next: null } });
  });

  it.each([
    '',
    '.',
    '..',
    '../config',
    'd_1_abcdef',
    '%2e%2e',
    'a/b',
    'ä',
    '\0',
    'd_1_abcdef?x',
    '#',
  ])('to the id "%s"', async (draft_id) => {
    expect(await both('getDraft', { draft_id })).toMatchObject({ code: 'not_found' });
    expect(await both('editDraft', { draft_id })).toMatchObject({ code: 'not_found' });
    expect(await both('approveDraft', { draft_id })).toMatchObject({ code: 'not_found' });
  });

  it('to what does not fit, with the same place', async () => {
    expect(await both('createDraft', { prompt: '' })).toMatchObject({
      code: 'validation_error',
      issues: [{ loc: ['body', 'prompt'] }],
    });
    expect(await both('generateDraft', { prompt: 'x'.repeat(8001) })).toMatchObject({
      issues: [{ loc: ['body', 'prompt'] }],
    });
    expect(await both('listDrafts', { limit: 0 })).toMatchObject({
      issues: [{ loc: ['query', 'limit'] }],
    });
    expect(await both('listDrafts', { cursor: 'x' })).toMatchObject({
      issues: [{ loc: ['query', 'cursor'] }],
    });
    expect(await both('setConfig', { max_concurrent_runs: -5 })).toMatchObject({
      issues: [{ loc: ['body', 'max_concurrent_runs'] }],
    });
  });

  it('to what is refused', async () => {
    const { id: draft_id, digest } = await clients[0].call('createDraft', { prompt: 'x' });
    const stale = { digest: `${digest}x` };
    expect(await both('approveDraft', { draft_id, ...stale })).toMatchObject({ code: 'stale' });
    expect(await both('editDraft', { draft_id }, { ifMatch: '"x"' })).toMatchObject({
      code: 'stale',
    });
    expect(await both('createRun', { approved_id: draft_id })).toMatchObject({
      code: 'draft_id_not_runnable',
    });
    await clients[1].call('rejectDraft', { draft_id, reason: 'no' });
    expect(await both('rejectDraft', { draft_id })).toMatchObject({ code: 'conflict_state' });
    expect(await both('cancelRun', { run_id: 'r_1_abcdef' })).toMatchObject({ code: 'not_found' });
    const prompt = server.host.token('operator');
    expect(await both('createDraft', { prompt })).toMatchObject({ code: 'contains_secret' });
  });

  it('to mutations, but for who and when', async () => {
    const approve = async (client: Client) => {
      const draft = await client.answer('createDraft', { prompt: 'same', context: { a: [1] } });
      expect(draft.status).toBe(201);
      const { id: draft_id, digest } = draft.body;
      const edited = await client.call(
        'editDraft',
        { draft_id, content: 'c' },
        { ifMatch: draft.etag ?? '' },
      );
      expect(edited.digest).not.toBe(digest);
      const args = { draft_id, digest: edited.digest ?? '', shown_digest: edited.digest ?? '' };
      const said = await client.call('approveDraft', { ...args, auto_run: false });
      const { approved, run } = table.approveDraft.output.parse(said);
      expect(run).toBeNull();
      const { prompt, content, context, steps, digest: named, shown_digest, runnable } = approved;
      return { prompt, content, context, steps, named, shown_digest, runnable };
    };
    expect(await approve(clients[1])).toEqual(await approve(clients[0]));
  });

  it('and name who made a draft, and where', async () => {
    const [direct, http] = await Promise.all(
      clients.map((client) => client.call('createDraft', { prompt: 'x' })),
    );
    expect(direct).toMatchObject({
      source: 'editor',
      created_by: expect.stringMatching(/^editor:/),
    });
    expect(http).toMatchObject({ source: 'api', created_by: expect.stringMatching(/^admin:/) });
    const cli = createClient(httpTransport(server.host.url, server.host.token('admin'), 'cli'));
    expect(await cli.call('createDraft', { prompt: 'x' })).toMatchObject({ source: 'cli' });
  });
});
