import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Draft } from '../../../src/contract/operations.ts';
import { startServer, type TestServer } from '../harness.ts';
import { approve, expectError, newDraft } from './support.ts';

let server: TestServer;
const drafts: Draft[] = [];
const Ids = z.array(z.looseObject({ id: z.string() }));

beforeAll(async () => {
  server = await startServer({ keep: true });
  for (let at = 0; at < 7; at += 1)
    drafts.push(
      await newDraft(server, { prompt: `${at}`.repeat(201), content: 'c', context: { at } }),
    );
  for (const at of [0, 2, 4]) {
    const path = `/ops/drafts/${drafts[at]?.id}/reject`;
    await server.request('POST', path, { role: 'admin', body: { reason: 'no' } });
  }
  for (const at of [1, 3]) await approve(server, drafts[at]?.id ?? '');
  return server.dispose;
});

const get = (path: string) => server.request('GET', path, { role: 'actions' });
async function list(path: string) {
  const reply = await get(path);
  expect(reply.status, reply.text).toBe(200);
  const next = /^<([^>]+)>; rel="next"$/.exec(String(reply.headers.link))?.[1] ?? null;
  return {
    ids: Ids.parse(reply.body).map(({ id }) => id),
    ...{ next, total: Number(reply.headers['x-total-count']), link: reply.headers.link },
    body: reply.body,
  };
}
const idsOf = (...ats: number[]) => ats.map((at) => drafts[at]?.id);
const cursorOf = (next: string | null) =>
  new URL(next ?? '', 'http://gimo').searchParams.get('cursor') ?? '';

describe('a list', () => {
  it('is newest first, whole, with its total and no link', async () => {
    const found = await list('/ops/drafts');
    expect(found.ids).toEqual(idsOf(6, 5, 4, 3, 2, 1, 0));
    expect([found.total, found.link]).toEqual([7, undefined]);
  });

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    const seen: string[] = [];
    let path: string | null = '/ops/drafts?limit=3';
    const totals: number[] = [];
    while (path !== null) {
      const page: Awaited<ReturnType<typeof list>> = await list(path);
      seen.push(...page.ids);
      totals.push(page.total);
      path = page.next;
    }
    expect(seen).toEqual(idsOf(6, 5, 4, 3, 2, 1, 0));
    expect(totals).toEqual([7, 7, 7]);
  });

  it('has no link when the page holds exactly what there is', async () => {
    expect((await list('/ops/drafts?limit=7')).next).toBeNull();
  });

  it('goes on where it was although something new has come', async () => {
    const first = await list('/ops/drafts?limit=2&status=rejected');
    expect(first.ids).toEqual(idsOf(4, 2));
    const fresh = await newDraft(server);
    await server.request('POST', `/ops/drafts/${fresh.id}/reject`, { role: 'admin' });
    expect((await list(first.next ?? '')).ids).toEqual(idsOf(0));
  });

  it('keeps its query in the link', async () => {
    const { next } = await list('/ops/drafts?limit=1&status=rejected&status=approved&view=summary');
    const query = new URL(next ?? '', 'http://gimo').searchParams;
    expect(query.getAll('status')).toEqual(['rejected', 'approved']);
    expect([query.get('limit'), query.get('view')]).toEqual(['1', 'summary']);
    expect(next).toMatch(/^\/ops\/drafts\?/);
  });

  it('shows the states that were asked for, and counts those', async () => {
    const approved = await list('/ops/drafts?status=approved');
    expect([approved.ids, approved.total]).toEqual([idsOf(3, 1), 2]);
    const two = await list('/ops/drafts?status=approved&status=draft&limit=2');
    expect([two.ids, two.total]).toEqual([idsOf(6, 5), 4]);
    expect((await list('/ops/drafts?status=error')).ids).toEqual([]);
  });

  it('knows its cursor whatever the order of the states and the limit', async () => {
    const { next } = await list('/ops/drafts?status=approved&status=draft&limit=2');
    const cursor = cursorOf(next);
    const rest = await list(`/ops/drafts?status=draft&status=approved&limit=9&cursor=${cursor}`);
    expect(rest.ids).toEqual(idsOf(3, 1));
  });
});

describe('a cursor', () => {
  it.each([
    ['other states', (c: string) => `/ops/drafts?status=draft&cursor=${c}`],
    ['another view', (c: string) => `/ops/drafts?view=summary&cursor=${c}`],
    ['another list', (c: string) => `/ops/approved?cursor=${c}`],
    ['yet another list', (c: string) => `/ops/runs?cursor=${c}`],
    ['nothing', () => '/ops/drafts?cursor='],
    ['no list at all', () => '/ops/drafts?cursor=eA'],
    ['a path', () => `/ops/drafts?cursor=${Buffer.from('x.../../etc').toString('base64url')}`],
    ['a part of itself', (c: string) => `/ops/drafts?cursor=${c.slice(0, -4)}`],
  ])('does not go with %s', async (_name, path) => {
    const cursor = cursorOf((await list('/ops/drafts?limit=1')).next);
    const refused = expectError(await get(path(cursor)), 'validation_error');
    expect(refused.detail).toMatchObject([{ loc: ['query', 'cursor'] }]);
  });
});

describe('a summary', () => {
  it('leaves out what is long, cuts the prompt at 200 characters and says so', async () => {
    const { body } = await list('/ops/drafts?view=summary&status=draft');
    const [first] = z
      .array(z.looseObject({ prompt: z.string() }))
      .parse(body)
      .slice(-1);
    for (const key of ['content', 'context', 'steps']) expect(first).not.toHaveProperty(key);
    expect(first).toMatchObject({ prompt: '5'.repeat(200), prompt_truncated: true });
    for (const key of ['id', 'status', 'digest', 'created_at', 'created_by', 'source', 'error'])
      expect(first).toHaveProperty(key);
  });

  it('does not say so of a prompt that is whole', async () => {
    const fresh = await newDraft(server, { prompt: 'x'.repeat(200) });
    const { body } = await list('/ops/drafts?view=summary&limit=1');
    const [found] = z.array(z.looseObject({ id: z.string() })).parse(body);
    expect(found).toMatchObject({ id: fresh.id, prompt: 'x'.repeat(200) });
    expect(found?.prompt_truncated ?? false).toBe(false);
  });

  it('cuts between characters, not within one', async () => {
    await newDraft(server, { prompt: `${'x'.repeat(199)}👩 and more` });
    const [found] = Object(await list('/ops/drafts?view=summary&limit=1')).body;
    expect(found).toMatchObject({ prompt: 'x'.repeat(199), prompt_truncated: true });
  });

  it('leaves them out of artifacts and runs too', async () => {
    const artifact = await approve(server, (await newDraft(server)).id);
    const body = { approved_id: artifact.id };
    await server.request('POST', '/ops/runs', { role: 'operator', body });
    const [short] = Object(await list('/ops/approved?view=summary&limit=1')).body;
    for (const key of ['content', 'context', 'steps']) expect(short).not.toHaveProperty(key);
    expect(short).toMatchObject({ id: artifact.id, runnable: true });
    const [run] = Object(await list('/ops/runs?view=summary&limit=1')).body;
    for (const key of ['log', 'steps']) expect(run).not.toHaveProperty(key);
    expect(run).toMatchObject({ approved_id: artifact.id });
  });

  it('is not what one gets without asking', async () => {
    const [full] = Object(await list('/ops/drafts?limit=1')).body;
    for (const key of ['content', 'context', 'steps']) expect(full).toHaveProperty(key);
  });
});
