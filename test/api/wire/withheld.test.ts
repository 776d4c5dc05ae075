import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { table } from '../../../src/contract/operations.ts';
import type { Warning } from '../../../src/contract/records.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { startServer, type TestServer } from '../harness.ts';
import { newDraft } from './support.ts';

const pin = 'PIN=4711\npassword=hunter2hunter2\n';
const hash = sha256(pin);
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ keep: true });
  await writeFile(join(server.root, '.env'), pin);
  await writeFile(join(server.root, 'open.txt'), 'open');
  const paths = [{ path: 'open.txt' }];
  await server.request('PUT', '/ui/allowlist', { role: 'admin', body: { paths } });
  return server.dispose;
});

const deletes = (path: string) => [{ id: 'e', kind: 'edit', changes: [{ path, text: null }] }];
const get = (path: string, role: 'actions' | 'agent' | 'operator' | 'admin') =>
  server.request('GET', path, { role });
const weak = ['actions', 'agent'] as const;

describe('the hash of a file that clients may not read', () => {
  it.each(weak)('is not told to %s, nor a digest over it', async (role) => {
    const draft = await newDraft(server, { steps: deletes('.env') });
    const mine = `/ops/drafts/${draft.id}`;
    const whole = await get(mine, 'operator');
    expect(whole.body).toMatchObject({ digest: draft.digest });
    expect(whole.text).toContain(hash);
    for (const path of [mine, '/ops/drafts', '/ops/drafts?view=summary', `/actions${mine}`]) {
      const { text, status } = await get(path, role);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain(draft.id);
      expect(text).not.toContain(hash);
      expect(text).not.toContain(draft.digest);
    }
    const { body, headers } = await get(mine, role);
    expect(body).toMatchObject({ digest: null, steps: deletes('.env') });
    const yes = { role: 'operator', headers: { 'if-match': String(headers.etag) } } as const;
    const approved = await server.request('POST', `${mine}/approve`, yes);
    expect(approved.status).toBe(412);
  });

  it.each(weak)('is not told to %s once it is approved', async (role) => {
    const { id, digest } = await newDraft(server, { steps: deletes('.env') });
    const named = `digest=${digest}&shown_digest=${digest}`;
    const yes = await server.request('POST', `/ops/drafts/${id}/approve?${named}`, {
      role: 'operator',
    });
    const { approved } = table.approveDraft.output.parse(yes.body);
    expect(yes.text).toContain(hash);
    for (const path of [
      `/ops/approved/${approved.id}`,
      '/ops/approved',
      '/ops/approved?view=summary',
    ]) {
      const { text } = await get(path, role);
      expect(text).toContain(approved.id);
      expect(text).not.toContain(hash);
      expect(text).not.toContain(digest);
    }
    const { body } = await get(`/ops/approved/${approved.id}`, role);
    expect(body).toMatchObject({ digest: null, shown_digest: null });
    expect((await get(`/ops/drafts/${id}`, role)).text).not.toContain(digest);
  });

  it('is not told to an agent that has guessed it, when it proposes and when it repeats that', async () => {
    const changes = [{ path: '.env', base_sha256: hash, text: null }];
    const body = { prompt: 'x', steps: [{ id: 'e', kind: 'edit', changes }] };
    const headers = { 'idempotency-key': 'guess' };
    const texts: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      const made = await server.request('POST', '/ops/drafts', { role: 'agent', body, headers });
      expect(made.status).toBe(201);
      texts.push(made.text);
    }
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).not.toContain(hash);
  });

  it('is told of a file that they may read', async () => {
    const draft = await newDraft(server, { steps: deletes('open.txt') });
    const { body, text } = await get(`/ops/drafts/${draft.id}`, 'agent');
    expect(body).toMatchObject({ digest: draft.digest });
    expect(text).toContain(sha256('open'));
  });
});

it('a review by a token does not tell which lines a file has that clients may not read', async () => {
  const codes = async (path: string, line: string, role: 'operator' | 'admin') => {
    const changes = [{ path, base_sha256: 'a'.repeat(64), text: line }];
    const { id } = await newDraft(server, { steps: [{ id: 'e', kind: 'edit', changes }] });
    const { body } = await get(`/ops/drafts/${id}/review`, role);
    return Object(body).warnings.map(({ code }: Warning) => code);
  };
  const wrong = await codes('.env', 'password=hunter1hunter1', 'operator');
  expect(wrong).toContain('secret');
  expect(await codes('.env', 'password=hunter2hunter2', 'operator')).toEqual(wrong);
  expect(await codes('.env', 'password=hunter2hunter2', 'admin')).not.toContain('secret');
});
