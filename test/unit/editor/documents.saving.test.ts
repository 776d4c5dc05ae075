import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { EditAddress } from '../../../src/editor/documents/addresses.ts';
import {
  createBases,
  type DraftChange,
  sameText,
  type Version,
} from '../../../src/editor/documents/bases.ts';
import type { DraftReader } from '../../../src/editor/documents/draftReader.ts';
import { createSaver, SaveConflict } from '../../../src/editor/documents/saving.ts';
import { draftId, type draftWith, versionWith } from './documents.fixtures.ts';

const content: EditAddress = { id: draftId, part: 'content' };
const prompt: EditAddress = { id: draftId, part: 'prompt' };

/** A draft on a server that keeps the rule of entity tags. */
function server(start: Version) {
  let current = start;
  const sent: DraftChange[] = [];
  const next = (more: Parameters<typeof draftWith>[0]) => {
    const count = current.mtime + 1;
    current = { draft: { ...current.draft, ...more }, etag: `"${count}"`, mtime: count };
    return current;
  };
  const drafts: DraftReader = {
    read: async () => current,
    async edit(_id, change, etag) {
      if (current.draft.status !== 'draft')
        throw new GimoError('conflict_state', 'This draft is already approved.');
      if (etag !== current.etag) throw new GimoError('stale', 'The draft has changed.');
      sent.push(change);
      return next(change);
    },
  };
  return {
    drafts,
    sent,
    /** Somebody else changes the draft. */
    change: next,
    get current() {
      return current;
    },
  };
}

function editing(start = versionWith('"1"')) {
  const remote = server(start);
  const bases = createBases();
  for (const address of [content, prompt]) bases.read(address, start, null);
  return { remote, bases, save: createSaver(remote.drafts, bases) };
}

describe('a save', () => {
  test('changes only the file that is saved', async () => {
    const { remote, save } = editing();
    await save(content, 'Mine');
    await save(prompt, 'Ask this');
    expect(remote.sent).toEqual([{ content: 'Mine' }, { prompt: 'Ask this' }]);
  });

  test('of both files at once refuses neither', async () => {
    const { remote, save } = editing();
    await Promise.all([save(content, 'Mine'), save(prompt, 'Ask this')]);
    expect(remote.current.draft).toMatchObject({ content: 'Mine', prompt: 'Ask this' });
  });

  test('never overwrites what somebody else wrote, however often it is tried', async () => {
    const { remote, save } = editing();
    remote.change({ content: 'Theirs' });
    await expect(save(content, 'Mine')).rejects.toThrow(SaveConflict);
    await expect(save(content, 'Mine')).rejects.toThrow(/nothing was saved/);
    await expect(save(prompt, 'Mine')).rejects.toThrow(SaveConflict);
    expect(remote.current.draft.content).toBe('Theirs');
  });

  test('goes through once the person has compared, but only over what they saw', async () => {
    const { remote, bases, save } = editing();
    bases.compared(content, remote.change({ content: 'Theirs' }));
    remote.change({ content: 'Theirs, later' });
    await expect(save(content, 'Mine')).rejects.toThrow(SaveConflict);
    bases.compared(content, remote.current);
    await save(content, 'Mine');
    expect(remote.current.draft.content).toBe('Mine');
  });

  test('is no conflict if only the provider is another one', async () => {
    const { remote, save } = editing();
    remote.change({ digest: '2'.repeat(64), provider_resolved: null });
    await save(content, 'Mine');
    expect(remote.current.draft.content).toBe('Mine');
  });

  test('of a draft that was decided says so, and keeps the decision', async () => {
    const { remote, save } = editing();
    remote.change({ status: 'approved' });
    await expect(save(content, 'Mine')).rejects.toThrow(/already approved/);
    expect(remote.sent).toEqual([]);
  });

  test('of an empty prompt is refused in words', async () => {
    const { remote, save } = editing();
    await expect(save(prompt, ' \n')).rejects.toThrow(/prompt cannot be empty/);
    expect(remote.sent).toEqual([]);
  });

  test('keeps no content apart from empty content', async () => {
    const none = editing(versionWith('"1"', { content: null }));
    await none.save(content, '');
    expect(none.remote.sent).toEqual([{ content: null }]);
    const some = editing();
    await some.save(content, '');
    await some.save(content, '');
    expect(some.remote.sent).toEqual([{ content: '' }, { content: '' }]);
  });

  test.each(['before', 'after'])(
    'is made once when the server goes away %s it was carried out',
    async (when) => {
      const { remote } = editing();
      let first = true;
      const drafts: DraftReader = {
        read: remote.drafts.read,
        async edit(id, change, etag) {
          const lost = first;
          first = false;
          if (lost && when === 'before') throw new GimoError('not_writer', 'It went away.');
          const saved = await remote.drafts.edit(id, change, etag);
          if (lost) throw new GimoError('not_writer', 'It went away.');
          return saved;
        },
      };
      const bases = createBases();
      bases.read(content, remote.current, null);
      await createSaver(drafts, bases)(content, 'Mine');
      expect(remote.sent).toEqual([{ content: 'Mine' }]);
      expect(bases.of(content)?.version.etag).toBe(remote.current.etag);
    },
  );

  test('of a tab that the editor kept is made if it was opened with what the draft says now', async () => {
    const { drafts, sent, current } = server(versionWith('"1"'));
    const bases = createBases();
    bases.opened(content, current.draft.content ?? '');
    await createSaver(drafts, bases)(content, 'Mine');
    expect(sent).toEqual([{ content: 'Mine' }]);
  });

  test('of a tab that the editor kept is refused if the draft says something else now', async () => {
    const { drafts, sent } = server(versionWith('"1"'));
    const bases = createBases();
    bases.opened(content, 'What it said before');
    const saved = createSaver(drafts, bases)(content, 'What it said before, and mine');
    await expect(saved).rejects.toThrow(/does not know any more/);
    expect(sent).toEqual([]);
  });

  test('of a text whose version is not known is refused', async () => {
    const { drafts } = server(versionWith('"1"'));
    const save = createSaver(drafts, createBases());
    await expect(save(content, 'Mine')).rejects.toThrow(/does not know any more/);
  });
});

describe('the version that a text was made from', () => {
  const one = versionWith('"1"', { content: 'one' });
  const two = versionWith('"2"', { content: 'two' });
  const etag = (bases: ReturnType<typeof createBases>) => bases.of(content)?.version.etag;

  test('is not the one that somebody else reads while there is unsaved text', () => {
    const bases = createBases();
    bases.read(content, one, null);
    bases.read(content, two, { text: 'mine', dirty: true });
    expect(etag(bases)).toBe('"1"');
    bases.changed(content, { text: 'one', dirty: false });
    expect(etag(bases)).toBe('"1"');
  });

  test('is the new one as soon as the editor shows it', () => {
    const bases = createBases();
    bases.read(content, one, null);
    bases.read(content, two, { text: 'one', dirty: false });
    expect(etag(bases)).toBe('"1"');
    bases.changed(content, { text: 'two', dirty: false });
    expect(etag(bases)).toBe('"2"');
  });

  test('is the new one at once if the text is the same', () => {
    const bases = createBases();
    bases.read(content, one, null);
    bases.read(content, versionWith('"3"', { content: 'one' }), { text: 'one', dirty: false });
    expect(etag(bases)).toBe('"3"');
  });

  test('is unknown if the editor shows something else than what was read', () => {
    const bases = createBases();
    bases.read(content, two, null);
    bases.opened(content, 'one');
    expect(etag(bases)).toBeUndefined();
  });

  test('stays while the person types, also before the editor says that it is unsaved', () => {
    const bases = createBases();
    bases.read(content, one, null);
    bases.opened(content, 'one');
    bases.changed(content, { text: 'mine', dirty: false });
    bases.changed(content, { text: 'mine', dirty: true });
    expect(etag(bases)).toBe('"1"');
  });

  test('does not depend on line ends and byte order mark, which an editor keeps apart', () => {
    expect(sameText('\ufeffa\r\nb\rc', 'a\nb\nc')).toBe(true);
    expect(sameText('a ', 'a')).toBe(false);
  });
});
