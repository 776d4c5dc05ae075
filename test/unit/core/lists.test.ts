import { describe, expect, it } from 'vitest';
import { cutPrompt } from '../../../src/core/lists.ts';
import { calling, draftId, draftOf, gate, openParts, startCore, tempDir } from './support.ts';

async function threeDrafts() {
  const parts = await openParts(await tempDir());
  for (const n of [1, 2, 3]) await parts.store.drafts.put(draftOf(n));
  const { core } = await startCore(parts);
  const list = (args: object) =>
    core.dispatch('listDrafts', args, {
      ...{ principal: { role: 'actions', actor: 'actions:0' }, correlationId: 'x', source: 'api' },
    });
  return { core, list, call: calling(core) };
}

it.each([
  ['draft', 'drafts', 'listDrafts'],
  ['run', 'runs', 'listRuns'],
] as const)(
  'a total of %ss that is not known yet is left out, and everybody is told once it is known',
  async (kind, folder, operation) => {
    const parts = await openParts(await tempDir());
    const known = gate<Record<string, number>>();
    const { list, counts } = parts.store[folder];
    const records = {
      ...parts.store[folder],
      list: async (query: Parameters<typeof list>[0]) => ({ ...(await list(query)), total: null }),
      counts: () => known.promise,
    };
    const { core } = await startCore({ ...parts, store: { ...parts.store, [folder]: records } });
    const told: unknown[] = [];
    const heard = gate();
    core.subscribe(({ type, id }) => {
      told.push({ type, id });
      heard.resolve();
    });
    const ask = () =>
      core.dispatch(
        operation,
        { status: ['error'] },
        {
          ...{ principal: { role: 'actions', actor: 'actions:0' }, correlationId: 'x' },
          source: 'api',
        },
      );
    expect((await ask()).page).toEqual({ total: null, next: null });
    await ask();
    expect(told).toEqual([]);
    known.resolve(await counts());
    await heard.promise;
    expect(told).toEqual([{ type: kind, id: null }]);
  },
);

describe('a cursor', () => {
  it('leads through all of a list, each record once, and ends', async () => {
    const { list } = await threeDrafts();
    const ids: string[] = [];
    let cursor: string | null | undefined;
    do {
      const found = await list({ limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      ids.push(...found.body.map(({ id }) => id));
      expect(found.page?.total).toBe(3);
      cursor = found.page?.next ?? null;
    } while (cursor !== null);
    expect(ids).toEqual([3, 2, 1].map(draftId));
  });

  it('goes with the filters that it was made with, and with its own list', async () => {
    const { core, list } = await threeDrafts();
    const cursor = (await list({ limit: 1 })).page?.next ?? '';
    const invalid = expect.objectContaining({ code: 'validation_error' });
    await expect(list({ cursor, status: ['draft'] })).rejects.toEqual(invalid);
    await expect(list({ cursor, view: 'summary' })).rejects.toEqual(invalid);
    await expect(calling(core)('listRuns', { cursor })).rejects.toEqual(invalid);
    await expect(calling(core)('listApproved', { cursor })).rejects.toEqual(invalid);
  });

  it.each(['x', '', '..', Buffer.from('00000000.d_1_abcdef').toString('base64url')])(
    'that was made up (%j) is refused',
    async (cursor) => {
      const { list } = await threeDrafts();
      await expect(list({ cursor })).rejects.toMatchObject({
        code: 'validation_error',
        issues: [{ loc: ['query', 'cursor'] }],
      });
    },
  );
});

describe('a summary', () => {
  it('leaves out the long fields', async () => {
    const { list } = await threeDrafts();
    const [first] = (await list({ view: 'summary' })).body;
    expect(first).toMatchObject({ id: draftId(3), prompt: 'prompt 3' });
    for (const key of ['content', 'context', 'steps', 'prompt_truncated'])
      expect(first).not.toHaveProperty(key);
  });

  it('cuts a long prompt, says so, and never leaves half a character', () => {
    expect(cutPrompt({ prompt: 'x'.repeat(200) })).toEqual({ prompt: 'x'.repeat(200) });
    const cut = cutPrompt({ prompt: `${'x'.repeat(199)}😀` });
    expect(cut).toMatchObject({ prompt_truncated: true });
    expect(cut.prompt.isWellFormed()).toBe(true);
  });
});
