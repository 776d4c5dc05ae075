import { describe, expect, it } from 'vitest';
import { Draft } from '../../../src/contract/operations.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import type { TestServer } from '../harness.ts';
import { draftOf, setUp, sha256 } from './generating.ts';
import { expectError, locsOf } from './support.ts';

describe('a proposal over the API', () => {
  const files = { 'open/a.txt': 'a\n', 'closed.txt': 'closed\n' };
  const propose = (server: TestServer, role: TokenRole, ...changes: object[]) =>
    server.request('POST', '/ops/drafts', {
      role,
      body: { prompt: 'x', steps: [{ id: 'e', kind: 'edit', changes }] },
    });

  it('gets the hashes of the files as they are; those that it names stay', async () => {
    const { server } = await setUp(files);
    const draft = draftOf(
      await propose(
        ...([server, 'admin'] as const),
        { path: 'closed.txt', text: 'x' },
        { path: 'new.txt', text: 'x' },
        { path: 'open/a.txt', base_sha256: sha256('older'), text: null },
      ),
    );
    const bases = [sha256('closed\n'), null, sha256('older')];
    expect(draft.steps).toMatchObject([{ changes: bases.map((base_sha256) => ({ base_sha256 })) }]);
    const steps = [{ id: 'e', kind: 'edit', changes: [{ path: 'open/a.txt', text: 'x' }] }];
    const edited = await server.request('PUT', `/ops/drafts/${draft.id}`, {
      ...{ role: 'admin', body: { steps } },
    });
    expect(Draft.parse(edited.body).steps).toMatchObject([
      { changes: [{ base_sha256: sha256('a\n') }] },
    ]);
    const reworded = await server.request('PUT', `/ops/drafts/${draft.id}`, {
      ...{ role: 'admin', body: { prompt: 'y' } },
    });
    expect(Draft.parse(reworded.body).steps).toEqual(Draft.parse(edited.body).steps);
  });

  it('is refused with why where no edit may change anything', async () => {
    const { server } = await setUp(files);
    for (const path of ['.git/config', '/etc/passwd', '../x', 'open'])
      expectError(await propose(server, 'admin', { path, text: 'x' }), 'path_refused');
  });

  it('gets an agent the hashes of what clients may read, and of nothing else', async () => {
    const { server } = await setUp(files, ['open']);
    const draft = draftOf(await propose(server, 'agent', { path: 'open/a.txt', text: 'x' }));
    expect(draft.steps).toMatchObject([{ changes: [{ base_sha256: sha256('a\n') }] }]);
    const refused = await Promise.all(
      ['closed.txt', 'nothing.txt', '.git/config', '/etc/passwd'].map((path) =>
        propose(server, 'agent', { path, text: 'x' }),
      ),
    );
    const details = refused.map((reply) => expectError(reply, 'path_refused').detail);
    expect(new Set(details).size).toBe(1);
    expect(details[0]).toContain('Name base_sha256 yourself');
    const base_sha256 = sha256('what the agent knows');
    draftOf(await propose(server, 'agent', { path: 'closed.txt', base_sha256, text: 'x' }));
  });

  it('names no file twice in a step', async () => {
    const { server } = await setUp(files);
    const twice = [
      { path: 'a/n.txt', text: 'x' },
      { path: 'a//n.txt', text: 'y' },
    ];
    expect(locsOf(await propose(server, 'admin', ...twice))).toEqual([
      ['body', 'steps', 0, 'changes', 1, 'path'],
    ]);
  });
});
