import { lstat, readFile, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { changeOf, newYard, sha, watchedDisk } from './edits.ts';

const utf16 = (text: string, big = false) => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return big ? bytes.swap16() : bytes;
};

describe('an edit step', () => {
  test('creates, changes and deletes files, and tells what it did', async () => {
    const yard = await newYard();
    await yard.put('a.txt', 'old');
    await yard.put('b.txt', 'gone soon');
    const outcome = await yard.run([
      changeOf('a.txt', 'old', 'new'),
      changeOf('b.txt', 'gone soon', null),
      changeOf('new/deep/c.txt', null, 'made'),
    ]);
    expect(outcome).toEqual({
      result: {
        files: [
          { path: 'a.txt', did: 'changed', sha256: sha('new') },
          { path: 'b.txt', did: 'deleted', sha256: null },
          { path: 'new/deep/c.txt', did: 'created', sha256: sha('made') },
        ],
      },
    });
    expect(yard.log).toEqual([
      'INFO changed a.txt',
      'INFO deleted b.txt',
      'INFO created new/deep/c.txt',
    ]);
    expect(Object.keys(await yard.look())).toEqual(['a.txt', 'new', 'new/deep', 'new/deep/c.txt']);
    expect([await yard.text('a.txt'), await yard.text('new/deep/c.txt')]).toEqual(['new', 'made']);
  });

  test('keeps line ends, byte order mark, a missing last newline and every other byte as approved', async () => {
    const yard = await newYard();
    const texts = [
      'a\r\nb\r\n',
      '\uFEFFmark',
      'no newline',
      '',
      'mixed\n\r\r\n\t\u2028é🙂',
      '\uFEFF\uFEFFtwo',
    ];
    for (const [n, text] of texts.entries()) {
      await yard.put(`${n}.txt`, 'before');
      await yard.run([changeOf(`${n}.txt`, 'before', text)], { id: `e${n}` });
      expect(await readFile(yard.at(`${n}.txt`))).toEqual(Buffer.from(text, 'utf8'));
    }
  });

  test('keeps UTF-16 with its byte order mark, and text that was looked at goes back to the same bytes', async () => {
    const yard = await newYard();
    const { workspace } = yard.open();
    for (const big of [false, true]) {
      const [old, path] = [utf16('alt é🙂\r\n', big), `${big}.txt`];
      await yard.put(path, old);
      expect(await workspace.look(path)).toEqual({
        ...{ state: 'file', sha256: sha(old), bytes: 20, text: 'alt é🙂\r\n' },
      });
      await yard.run([changeOf(path, old, 'neu ß')], { id: `plain ${big}` });
      expect(await readFile(yard.at(path))).toEqual(utf16('neu ß', big));
      await yard.run([changeOf(path, utf16('neu ß', big), '\uFEFFmarked')], { id: `mark ${big}` });
      expect(await readFile(yard.at(path))).toEqual(utf16('marked', big));
    }
  });

  test('keeps exec bits, and gives a new file those of any new file', async () => {
    const yard = await newYard();
    await yard.put('run.sh', 'old', 0o755);
    await yard.put('private', 'old', 0o600);
    await yard.put('group', 'old', 0o664);
    await yard.put('plain', '');
    await yard.run([
      ...['run.sh', 'private', 'group'].map((path) => changeOf(path, 'old', 'new')),
      changeOf('fresh', null, 'new'),
    ]);
    const modeOf = async (path: string) => (await lstat(yard.at(path))).mode & 0o777;
    expect(await modeOf('run.sh')).toBe(0o755);
    expect(await modeOf('private')).toBe(0o600);
    expect(await modeOf('group')).toBe(0o664);
    expect(await modeOf('fresh')).toBe(0o666 & ~process.umask());
  });

  test('takes one file from the other only when everything was looked at', async () => {
    const yard = await newYard();
    await yard.put('a.txt', 'old');
    await yard.put('b.txt', 'other');
    const before = await yard.look();
    const run = yard.run([changeOf('a.txt', 'old', 'new'), changeOf('b.txt', 'old', 'new')]);
    await expect(run).rejects.toThrow(/^Nothing was changed. b.txt: It was changed since/);
    expect(await yard.look()).toEqual(before);
    expect(await yard.versions.of('r_1795403040000_00000a')).toEqual([]);
    expect(yard.log).toEqual([]);
  });

  test('tells everything that stands against it at once', async () => {
    const yard = await newYard();
    await yard.put('there', 'x');
    const changes = [
      { path: 'unknown', text: 'x' },
      changeOf('there', null, 'x'),
      changeOf('missing', 'x', 'y'),
      changeOf('nothing', null, null),
      changeOf('../out', null, 'x'),
    ];
    const error: unknown = await yard.run(changes).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'conflict_state' });
    for (const told of [
      'unknown: Its base is not known',
      'there: It exists by now',
      'missing: It is gone',
      'nothing: There is nothing to delete.',
      '../out: Its path leads upwards',
    ])
      expect(String(error)).toContain(told);
  });

  test('names paths so that nothing in them is hidden', async () => {
    const yard = await newYard();
    const run = yard.run([changeOf('a\u202Etxt', 'x', 'y')]);
    await expect(run).rejects.toThrow('a\\u{202E}txt: It is gone');
  });

  test('refuses a base in another encoding, but deletes it', async () => {
    const yard = await newYard();
    const bases = {
      latin: Buffer.from('caf\xe9', 'latin1'),
      bare16: Buffer.from('no mark', 'utf16le'),
      utf32: Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
      odd: Buffer.from([0xff, 0xfe, 0x61]),
      oddBig: Buffer.from([0xfe, 0xff, 0x61]),
      half: Buffer.from([0xff, 0xfe, 0x00, 0xd8]),
      binary: Buffer.from([1, 0, 2]),
    };
    for (const [path, bytes] of Object.entries(bases)) {
      await yard.put(path, bytes);
      const run = yard.run([changeOf(path, bytes, 'text')]);
      await expect(run, path).rejects.toThrow('would change its encoding. Use a command step.');
      expect(await yard.open().workspace.look(path)).toMatchObject({ state: 'file', text: null });
      await yard.run([changeOf(path, bytes, null)], { id: path });
    }
    expect(await yard.look()).toEqual({});
  });

  test('refuses text with half a character', async () => {
    const yard = await newYard();
    await expect(yard.run([changeOf('a', null, 'x\ud800')])).rejects.toThrow('half a character');
  });

  test('refuses a redaction placeholder that the base does not have', async () => {
    const yard = await newYard();
    await yard.put('has', 'key=[REDACTED]');
    await yard.put('not', 'key=abc');
    const text = 'the key=[REDACTED]';
    for (const change of [changeOf('not', 'key=abc', text), changeOf('new', null, text)])
      await expect(yard.run([change])).rejects.toThrow('where a secret was left out');
    await yard.run([changeOf('has', 'key=[REDACTED]', text)]);
    expect(await yard.text('has')).toBe(text);
  });

  test('refuses a file that is open with unsaved changes, whatever way leads to it', async () => {
    const yard = await newYard();
    await yard.put('sub/a', 'old');
    await symlink(yard.root, `${yard.dir}/alias`);
    for (const open of [yard.at('sub/a'), `${yard.dir}/alias/sub/a`, `${yard.root}/sub/../sub/a`]) {
      const unsaved = () => [`${yard.dir}/nowhere/else`, open];
      expect(yard.open({ unsaved }).workspace.isUnsaved('sub/a')).toBe(true);
      expect(yard.open({ unsaved }).workspace.isUnsaved('sub/b')).toBe(false);
      expect(yard.open({ unsaved }).workspace.isUnsaved('../sub/a')).toBe(false);
      const run = yard.run([changeOf('sub/a', 'old', 'new')], { unsaved });
      await expect(run).rejects.toThrow('changes that are not saved');
    }
    const unsaved = () => [`${yard.dir}/alias/new/file`];
    const made = yard.run([changeOf('new/file', null, 'x')], { unsaved });
    await expect(made).rejects.toThrow('changes that are not saved');
  });

  test('looks for unsaved changes again right before it replaces a file', async () => {
    const yard = await newYard();
    await yard.put('a', 'old');
    await yard.put('b', 'old');
    const changes = [changeOf('a', 'old', 'new'), changeOf('b', 'old', 'new')];
    const before = await yard.look();
    let open: string[] = [];
    const { disk } = watchedDisk((_, what) => {
      if (what === 'rename') open = [yard.at('b')];
    });
    const run = yard.run(changes, { disk, unsaved: () => open });
    await expect(run).rejects.toThrow(/^b: It is open in an editor .* Put back: a\.$/);
    expect(await yard.look()).toEqual(before);
  });

  test('writes nothing once the right to write is lost, and leaves the rest to whoever has it', async () => {
    const yard = await newYard();
    await yard.put('a', 'old');
    await yard.put('b', 'old');
    const before = await yard.look();
    let changes = 0;
    const fence = () => {
      changes += 1;
      if (changes > 1) throw new GimoError('not_writer', 'Not ours any more.');
    };
    const run = yard.run([changeOf('a', 'old', 'new'), changeOf('b', 'old', 'new')], { fence });
    await expect(run).rejects.toThrow(/^b: Not ours any more. Left: a. Not ours any more.$/);
    expect(await yard.text('a')).toBe('new');
    expect(await yard.settle()).toContain('Put back: a.');
    expect(await yard.look()).toEqual(before);
  });

  test('takes no lock with it when it fails', async () => {
    const yard = await newYard();
    const { edit, workspace } = yard.open();
    const step = { id: 'e', kind: 'edit' as const, changes: [changeOf('..', null, 'x')] };
    const context = {
      ...{ runId: 'r_1795403040000_00000a', target: null, signal: new AbortController().signal },
      ...{ log: () => undefined, note: async () => undefined },
    };
    await expect(edit.execute(step, context)).rejects.toThrow('upwards');
    expect(await workspace.undo('r_1795403040000_00000a')).toEqual({ restored: [], left: [] });
  });

  test('is not carried out a second time', async () => {
    const yard = await newYard();
    await yard.run([changeOf('a', null, 'x')]);
    await expect(yard.run([changeOf('a', 'x', 'y')])).rejects.toThrow('kept already');
    expect(await yard.text('a')).toBe('x');
  });

  test('that was aborted before it began changes nothing', async () => {
    const yard = await newYard();
    const reason = new Error('stopped');
    const run = yard.run([changeOf('a', null, 'x')], { signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(await yard.look()).toEqual({});
  });

  test('that is aborted after its last file is put back as well', async () => {
    const yard = await newYard();
    await yard.put('a', 'old', 0o751);
    const before = await yard.look();
    const controller = new AbortController();
    const reason = new Error('stopped');
    const { disk } = watchedDisk((_, what) => {
      if (what === 'rename') controller.abort(reason);
    });
    const run = yard.run([changeOf('a', 'old', 'new')], { disk, signal: controller.signal });
    await expect(run).rejects.toBe(reason);
    expect(await yard.look()).toEqual(before);
    expect(yard.log).toEqual(['INFO changed a', 'INFO put back a']);
  });

  test('leaves what somebody else changed meanwhile, and tells so', async () => {
    const yard = await newYard();
    for (const path of ['a', 'b', 'c']) await yard.put(path, 'old');
    const changes = ['a', 'b', 'c'].map((path) => changeOf(path, 'old', 'new'));
    let renames = 0;
    const { disk } = watchedDisk(async (_, what) => {
      if (what === 'rename') renames += 1;
      if (what !== 'rename' || renames !== 2) return;
      await yard.put('a', 'mine');
      await yard.put('c', 'mine too');
    });
    const error: unknown = await yard.run(changes, { disk }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('c: It was changed, made or deleted meanwhile.');
    expect(String(error)).toContain('Left: a. It was changed since.');
    expect(String(error)).toContain('Put back: b.');
    expect(yard.log.slice(2)).toEqual([
      ...['WARN left a: It was changed since.', 'INFO put back b'],
      'WARN left c: It was changed since.',
    ]);
    expect([await yard.text('a'), await yard.text('b'), await yard.text('c')]).toEqual([
      ...['mine', 'old', 'mine too'],
    ]);
  });

  test('that is aborted tells of what could not be put back', async () => {
    const yard = await newYard();
    for (const path of ['a', 'b']) await yard.put(path, 'old');
    const controller = new AbortController();
    const reason = new Error('stopped');
    let renames = 0;
    const { disk } = watchedDisk(async (_, what) => {
      if (what !== 'rename' || ++renames !== 2) return;
      await yard.put('a', 'new, and mine');
      controller.abort(reason);
    });
    const changes = ['a', 'b'].map((path) => changeOf(path, 'old', 'new'));
    const run = yard.run(changes, { disk, signal: controller.signal });
    await expect(run).rejects.toMatchObject({
      code: 'conflict_state',
      message:
        'The step was stopped, and not every file could be put back. Left: a. It was changed since. Put back: b.',
      cause: reason,
    });
  });

  test.each(['made', 'put back'])(
    'a file that is %s does not replace one that somebody makes in the last moment',
    async (what) => {
      const yard = await newYard();
      await yard.put('deleted', 'old');
      await yard.run([changeOf('deleted', 'old', null)]);
      const path = what === 'made' ? 'a' : 'deleted';
      const { disk } = watchedDisk(async (_, step) => {
        if (step === 'link') await yard.put(path, 'mine');
      });
      if (what === 'put back')
        expect((await yard.undo({ disk })).left).toEqual([
          { path, why: 'It was changed, made or deleted meanwhile.' },
        ]);
      else
        await expect(yard.run([changeOf('a', null, 'new')], { disk, id: '2' })).rejects.toThrow(
          'a: It was changed, made or deleted meanwhile.',
        );
      expect(await yard.text(path)).toBe('mine');
      expect(Object.keys(await yard.look())).toEqual([path]);
    },
  );

  test('makes files also where the file system knows no second names', async () => {
    const yard = await newYard();
    const { disk } = watchedDisk((_, what) => {
      if (what === 'link') throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    });
    await yard.run([changeOf('a', null, 'new')], { disk });
    expect(await yard.text('a')).toBe('new');
    expect(Object.keys(await yard.look())).toEqual(['a']);
  });

  test('goes on where nothing has to be done for a file', async () => {
    const yard = await newYard();
    await yard.put('a', 'same', 0o640);
    const before = await lstat(yard.at('a'));
    const { result } = await yard.run([changeOf('a', 'same', 'same'), changeOf('b', null, 'x')]);
    expect(result).toMatchObject({ files: [{ path: 'a', sha256: sha('same') }, { path: 'b' }] });
    expect((await lstat(yard.at('a'))).ino).toBe(before.ino);
  });
});
