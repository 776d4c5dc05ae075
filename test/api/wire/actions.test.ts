import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { opIds, table } from '../../../src/contract/operations.ts';
import { startServer, type TestServer } from '../harness.ts';
import { newDraft } from './support.ts';

const most = 100_000;
const lines = Array.from({ length: 20_000 }, (_, n) => `const line${n} = ${n};\n`).join('');
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ keep: true, env: { ORCH_ALLOWLIST_REQUIRE: 'false' } });
  await mkdir(join(server.root, 'src'));
  await writeFile(join(server.root, 'src', 'long.ts'), lines);
  await writeFile(join(server.root, 'src', 'wide.ts'), 'x'.repeat(240_000));
  return server.dispose;
});

const get = (path: string) => server.request('GET', `/actions${path}`, { role: 'operator' });

describe('below /actions', () => {
  it('the document for Actions says where, and every path of it is there', async () => {
    const { body } = await server.request('GET', '/ops/openapi.json?for=actions', {
      role: 'operator',
    });
    const document = z
      .object({ servers: z.array(z.object({ url: z.string() })), paths: z.looseObject({}) })
      .parse(body);
    const [at] = document.servers;
    expect(at?.url).toBe(`${server.host.url}/actions`);
    const offered = opIds.filter((id) => table[id].actions).map((id) => table[id].path);
    expect(Object.keys(document.paths).sort()).toEqual([...new Set(offered)].sort());
    expect((await get('/status')).status).toBe(200);
  });

  it('what is not offered to Actions is not there', async () => {
    const path = '/actions/ops/config';
    expect((await server.request('GET', path, { role: 'admin' })).status).toBe(404);
    const draft = { role: 'admin', body: { prompt: 'x' } } as const;
    expect((await server.request('POST', '/actions/ops/generate', draft)).status).toBe(404);
    expect((await server.request('PUT', '/actions/ops/drafts/d_1_abcdef', draft)).status).toBe(405);
  });

  it('a token is needed, as everywhere', async () => {
    expect((await server.request('GET', '/actions/status')).status).toBe(401);
  });

  it('a long draft is cut, without the digest that would approve it', async () => {
    const draft = await newDraft(server, { content: 'y'.repeat(300_000) });
    const reply = await get(`/ops/drafts/${draft.id}`);
    expect(reply.text.length).toBeLessThan(most);
    expect(reply.body).toMatchObject({ id: draft.id, digest: null, answer_truncated: true });
    const whole = await server.request('GET', `/ops/drafts/${draft.id}`, { role: 'operator' });
    expect(whole.body).toMatchObject({ digest: draft.digest });
    expect(whole.text.length).toBeGreaterThan(300_000);
  });

  it('a draft that is cut has no tag either, which would approve it as well', async () => {
    const steps = [{ id: 'e', kind: 'edit', changes: [{ path: 'loot.txt', text: 'y' }] }];
    const draft = await newDraft(server, { content: 'x'.repeat(150_000), steps });
    const path = `/ops/drafts/${draft.id}`;
    expect((await get(path)).headers.etag).toBe(undefined);
    const short = await newDraft(server, { steps });
    const [whole, fit] = await Promise.all([
      server.request('GET', path, { role: 'operator' }),
      get(`/ops/drafts/${short.id}`),
    ]);
    expect([whole, fit].map(({ headers }) => typeof headers.etag)).toEqual(['string', 'string']);
  });

  it('a list holds the records that fit, and leads on to the others', async () => {
    for (let n = 0; n < 5; n += 1) await newDraft(server, { content: 'z'.repeat(40_000) });
    const ids: string[] = [];
    let path: string | undefined = '/ops/drafts?limit=6';
    let pages = 0;
    while (path !== undefined) {
      const reply = await server.request('GET', path.replace(/^(?!\/actions)/, '/actions'), {
        role: 'operator',
      });
      expect(reply.text.length).toBeLessThan(most);
      for (const { id } of z.array(z.object({ id: z.string() })).parse(reply.body)) ids.push(id);
      path = /<([^>]*)>/.exec(String(reply.headers.link ?? ''))?.[1];
      pages += 1;
    }
    const all = await server.request('GET', '/ops/drafts', { role: 'operator' });
    expect(ids).toEqual(
      z
        .array(z.object({ id: z.string() }))
        .parse(all.body)
        .map(({ id }) => id),
    );
    expect(pages).toBeGreaterThan(1);
  });

  it.each(['long.ts', 'wide.ts'])('a file stays short: %s', async (name) => {
    const whole = await server.request('GET', `/file?path=src/${name}&end_line=500`, {
      role: 'operator',
    });
    const reply = await get(`/file?path=src/${name}&end_line=500`);
    expect(reply.status).toBe(200);
    expect(reply.text.length).toBeLessThan(most);
    if (whole.text.length < most) expect(reply.text).toBe(whole.text);
    else expect(reply.text).toMatch(/\[truncated after \d+ lines: ask for a smaller part\]\n$/);
  });
});
