import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { folderVersion } from '../../../src/execution/restore.ts';
import {
  broken,
  type Change,
  changeOf,
  newYard,
  openYard,
  runId,
  sha,
  watchedDisk,
} from './edits.ts';

const text = fc.constantFrom('', 'a', 'b', 'one\r\ntwo', '\uFEFFmark', 'long '.repeat(2000), '🙂');
const old = fc.record({
  bytes: fc.oneof(
    text.map((from) => Buffer.from(from)),
    text.map((from) => Buffer.from(`\uFEFF${from}`, 'utf16le')),
  ),
  mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444, 0o4755),
});
const paths = ['a', 'b.sh', 'src/a.ts', 'src/b.ts', 'src/deep/c.ts', 'new/x', 'new/y/z', 'other/w'];

/** Files that may be there, what a step makes of them (undefined: nothing), and when what goes wrong. */
const story = fc.record({
  files: fc.array(
    fc.record({ old: fc.option(old), next: fc.option(fc.option(text), { nil: undefined }) }),
    {
      minLength: paths.length,
      maxLength: paths.length,
    },
  ),
  how: fc.constantFrom('failure', 'abort', 'crash', 'torn'),
  /** Which part of the way through the step's work on the disk. */
  when: fc.noBias(fc.integer({ min: 0, max: 9_999 })).map((n) => n / 10_000),
});

/** About how many steps on the disk a change takes. */
const stepsOfChange = 24;

class Crash extends Error {}

async function tell({ files, how, when }: typeof story extends fc.Arbitrary<infer T> ? T : never) {
  const yard = await openYard();
  try {
    const changes: Change[] = [];
    for (const [n, { old: was, next }] of files.entries()) {
      const path = paths[n] ?? '';
      if (was !== null) await yard.put(path, was.bytes, was.mode);
      if (next === undefined || (was === null && next === null)) continue;
      changes.push(changeOf(path, was === null ? null : was.bytes, next));
    }
    if (changes.length === 0) return 'other';
    const before = await yard.look();
    const moment = 1 + Math.floor(when * stepsOfChange * changes.length);
    const controller = new AbortController();
    let writes = 0;
    let dead = false;
    const { disk } = watchedDisk(async (n, what, path) => {
      if (n <= moment && ['writeNew', 'makeFolder', 'unlink'].includes(what)) writes += 1;
      if (how === 'abort' && n === moment) controller.abort(new Error('stopped'));
      if (how === 'failure' && n === moment) throw broken();
      const now = how === 'crash' || (how === 'torn' && what === 'writeNew');
      if (now && n >= moment && !dead && how === 'torn') await writeFile(path, 'half');
      dead ||= now && n >= moment;
      if (dead) throw new Crash();
    });
    const run = yard.run(changes, { disk, signal: controller.signal, id: 'second' });
    const failed = await run.then(
      () => false,
      () => true,
    );
    if (how === 'crash' || how === 'torn') {
      await yard.settle('second');
      expect(await yard.settle('second')).not.toContain('Left');
    }
    if (!failed) expect((await yard.undo()).left).toEqual([]);
    expect(await yard.look(), `${how} at ${moment}`).toEqual(before);
    return failed && writes > 0 ? 'put back' : 'other';
  } finally {
    await yard.dispose();
  }
}

describe('a step that does not come to its end', () => {
  test('leaves every file, every bit and every folder as it was, whenever and however it ends', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(story, async (given) => {
        const became = await tell(given);
        const key = became === 'put back' ? `${became} after ${given.how}` : 'other';
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }),
      { numRuns: 240, endOnFailure: true },
    );
    for (const how of ['failure', 'abort', 'crash', 'torn'])
      expect(seen.get(`put back after ${how}`), how).toBeGreaterThan(15);
  }, 120_000);

  test('is put back when its process is killed in the middle of it', async () => {
    for (const kill of [1, 4, 9]) {
      const yard = await newYard();
      const changes = Array.from({ length: 12 }, (_, n) =>
        n % 3 === 2
          ? changeOf(`new/${n}/f`, null, 'made')
          : changeOf(`f${n}`, 'old', n % 3 ? 'new' : null),
      );
      for (const { path, base_sha256 } of changes)
        if (base_sha256 !== null) await yard.put(path, 'old', 0o751);
      const before = await yard.look();
      const script = fileURLToPath(new URL('editor.ts', import.meta.url));
      const child = spawn(process.execPath, [script, yard.dir, JSON.stringify(changes)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await exited;
      });
      let lines = 0;
      for await (const _ of createInterface(child.stdout)) {
        lines += 1;
        child.stdin.write('.'); // and so it goes on to the next file
        if (lines === kill) child.kill('SIGKILL');
      }
      expect(await exited).toEqual([null, 'SIGKILL']);
      expect(lines).toBeLessThan(12);
      expect(await yard.settle()).toMatch(/^Every file is as it was before the step. Put back: /);
      expect(await yard.look()).toEqual(before);
      expect(await yard.settle()).toBe('Every file is as it was before the step.');
    }
  });

  test('has nothing to settle if nothing had been kept', async () => {
    const yard = await newYard();
    expect(await yard.settle()).toBe('No file had been changed yet.');
  });

  test('removes only temp files of its own', async () => {
    const yard = await newYard();
    await yard.put('a', 'old');
    const { disk } = watchedDisk((_, what) => {
      if (['rename', 'unlink'].includes(what)) throw new Crash();
    });
    await expect(yard.run([changeOf('a', 'old', 'new')], { disk })).rejects.toThrow(Crash);
    const temp = (await readdir(yard.root)).find((name) => name.endsWith('.tmp')) ?? '';
    const other = temp.replace(/-.*/, 'x-1.tmp');
    await yard.put(other, 'of another step');
    await yard.put('.gimo.tmp', 'of somebody');
    await yard.settle();
    expect(Object.keys(await yard.look())).toEqual(['.gimo.tmp', other, 'a'].sort());
  });

  test('keeps a folder that it made if somebody put something there', async () => {
    const yard = await newYard();
    const { disk } = watchedDisk(async (_, what) => {
      if (what === 'link') {
        await yard.put('new/mine', 'mine');
        throw broken();
      }
    });
    const run = yard.run([changeOf('new/deep/x', null, 'made')], { disk });
    await expect(run).rejects.toThrow('new/deep/x: The file system refused it (EIO).');
    expect(Object.keys(await yard.look())).toEqual(['new', 'new/mine']);
  });

  test('is told apart from others whatever its id is', async () => {
    const yard = await newYard();
    const ids = ['../../x', 'a/b', '', '\0', 'con', 'e'.repeat(64)];
    for (const [n, id] of ids.entries()) await yard.run([changeOf(`f${n}`, null, 'x')], { id });
    const kept = await yard.versions.of(runId);
    expect(kept.map(({ stepId }) => stepId)).toEqual(ids);
    expect((await readdir(yard.dir)).sort()).toEqual(['old', 'work']);
    for (const id of ids) expect(await yard.settle(id)).toContain('Put back: ');
    expect(await yard.look()).toEqual({});
  });
});

describe('an undo', () => {
  /** Two steps of one run: the second goes on with what the first one left. */
  async function ran() {
    const yard = await newYard();
    await yard.put('a', 'a0', 0o755);
    await yard.put('b', 'b0');
    await yard.put('gone/c', 'c0', 0o600);
    const before = await yard.look();
    await yard.run([changeOf('a', 'a0', 'a1'), changeOf('gone/c', 'c0', null)], { id: '1' });
    const second = [
      changeOf('a', 'a1', 'a2'),
      changeOf('b', 'b0', 'b2'),
      changeOf('n/d', null, 'd2'),
    ];
    await yard.run(second, { id: '2' });
    return { yard, before };
  }

  test('puts back what all steps of a run changed, and has nothing to do when it is asked again', async () => {
    const { yard, before } = await ran();
    expect(await yard.undo()).toEqual({ restored: ['a', 'b', 'gone/c', 'n/d'], left: [] });
    expect(await yard.look()).toEqual(before);
    expect(await yard.undo()).toEqual({ restored: [], left: [] });
    expect(await yard.look()).toEqual(before);
  });

  test('that is asked a second time leaves what others made since the first', async () => {
    const { yard } = await ran();
    await yard.undo();
    // Another run of the same work.
    await yard.put('a', 'a2');
    await yard.put('n/d', 'd2');
    await unlink(yard.at('gone/c'));
    const before = await yard.look();
    expect(await yard.undo()).toEqual({ restored: [], left: [] });
    expect(await yard.look()).toEqual(before);
  });

  test('that is asked a second time puts back what the first had to leave, and no more', async () => {
    const { yard } = await ran();
    await yard.undo({ unsaved: () => [yard.at('b')] });
    await yard.put('a', 'a2');
    expect(await yard.undo()).toEqual({ restored: ['b'], left: [] });
    expect([await yard.text('a'), await yard.text('b')]).toEqual(['a2', 'b0']);
  });

  test('that is asked a second time knows what somebody had put back by hand', async () => {
    const { yard } = await ran();
    await yard.put('a', 'a0');
    await yard.undo({ unsaved: () => [yard.at('b')] });
    await yard.put('a', 'a1');
    expect(await yard.undo()).toEqual({ restored: ['b'], left: [] });
    expect(await yard.text('a')).toBe('a1');
  });

  test.each(['a failure', 'a crash'])(
    'of a step that was put back after %s leaves what others made since',
    async (how) => {
      const yard = await newYard();
      for (const path of ['a', 'b', 'c']) await yard.put(path, 'old');
      let renames = 0;
      const { disk } = watchedDisk((_, what) => {
        if (what === 'rename' && ++renames === 2) throw how === 'a crash' ? new Crash() : broken();
      });
      const changes = ['a', 'b', 'c'].map((path) => changeOf(path, 'old', 'new'));
      await expect(yard.run(changes, { disk })).rejects.toThrow();
      if (how === 'a crash') await yard.settle();
      // Somebody makes the same change by hand, also to a file that the step did not come to.
      for (const path of ['a', 'b', 'c']) await yard.put(path, 'new');
      expect(await yard.undo()).toEqual({ restored: [], left: [] });
      for (const path of ['a', 'b', 'c']) expect(await yard.text(path)).toBe('new');
    },
  );

  test('tells of what is back that this could not be noted, and notes it the next time', async () => {
    const { yard, before } = await ran();
    const full = new GimoError('storage_full', 'There is no room left.');
    const putBack = () => Promise.reject(full);
    const { left } = await yard.undo({ versions: { ...yard.versions, putBack } });
    expect(left.map(({ path }) => path)).toEqual(['a', 'b', 'gone/c', 'n/d']);
    for (const { why } of left) expect(why).toMatch(/could not be noted. There is no room left.$/);
    expect(await yard.look()).toEqual(before);
    expect((await yard.undo()).left).toEqual([]);
    expect(await yard.undo()).toEqual({ restored: [], left: [] });
  });

  test('that was cut off is known at the next start, and leaves no temp file once it is finished', async () => {
    const { yard, before } = await ran();
    let dead = false;
    const { disk } = watchedDisk((_, what) => {
      dead ||= what === 'rename';
      if (dead) throw new Crash();
    });
    await expect(yard.undo({ disk })).rejects.toThrow(Crash);
    expect(Object.keys(await yard.look())).toContainEqual(expect.stringMatching(/\.tmp$/));
    expect(await yard.open().workspace.undoing()).toEqual([runId]);
    expect((await yard.undo()).left).toEqual([]);
    expect(await yard.look()).toEqual(before);
    expect(await yard.open().workspace.undoing()).toEqual([]);
  });

  test('that had nothing to do is not one that was cut off', async () => {
    const { yard } = await ran();
    for (let n = 0; n < 2; n += 1) {
      await yard.undo();
      expect(await yard.open().workspace.undoing()).toEqual([]);
    }
  });

  test('goes on where it was broken off', async () => {
    for (let moment = 1; ; moment += 3) {
      const { yard, before } = await ran();
      const { disk, steps } = watchedDisk((n) => {
        if (n >= moment) throw new Crash();
      });
      const over = await yard.undo({ disk }).then(
        () => true,
        () => false,
      );
      expect((await yard.undo()).left, `moment ${moment}`).toEqual([]);
      expect(await yard.look(), `moment ${moment}`).toEqual(before);
      if (over) return expect(steps()).toBeGreaterThan(50);
    }
  }, 120_000);

  test('leaves what is not as the run left it, and says why', async () => {
    const { yard } = await ran();
    await writeFile(yard.at('a'), 'mine');
    await unlink(yard.at('b'));
    await yard.put('gone/c', 'back again');
    await rm(yard.at('n'), { recursive: true });
    await mkdir(join(yard.dir, 'outside'));
    await writeFile(join(yard.dir, 'outside', 'd'), 'd2');
    await symlink(join(yard.dir, 'outside'), yard.at('n'));
    const before = await yard.look();
    expect(await yard.undo()).toEqual({
      restored: [],
      left: [
        { path: 'a', why: 'It was changed since.' },
        { path: 'b', why: 'It was deleted since.' },
        { path: 'gone/c', why: 'It was changed since.' },
        { path: 'n/d', why: 'A symbolic link stands on its way, and an edit follows none.' },
      ],
    });
    expect(await yard.look()).toEqual(before);
  });

  test('leaves what is open with unsaved changes', async () => {
    const { yard } = await ran();
    const { restored, left } = await yard.undo({ unsaved: () => [yard.at('b')] });
    expect(restored).toEqual(['a', 'gone/c', 'n/d']);
    expect(left).toEqual([{ path: 'b', why: expect.stringContaining('not saved') }]);
    expect(await yard.text('b')).toBe('b2');
  });

  test('counts what somebody has put back by hand as put back', async () => {
    const { yard, before } = await ran();
    await writeFile(yard.at('a'), 'a0');
    expect((await yard.undo()).restored).toContain('a');
    expect(await yard.look()).toEqual(before);
  });

  test('puts a file back into a folder that is gone', async () => {
    const { yard, before } = await ran();
    await rm(yard.at('gone'), { recursive: true });
    expect((await yard.undo()).left).toEqual([]);
    expect(await yard.look()).toEqual(before);
  });

  test('leaves a file whose old version is not as it was kept', async () => {
    const { yard } = await ran();
    const kept = join(yard.old, runId, sha('b0'));
    await chmod(kept, 0o600);
    await writeFile(kept, 'b!');
    const { restored, left } = await yard.undo();
    expect(restored).toEqual(['a', 'gone/c', 'n/d']);
    expect(left).toEqual([{ path: 'b', why: expect.stringContaining('not in the ledger') }]);
    expect(await yard.text('b')).toBe('b2');
  });

  test('has nothing to do for a run that changed nothing or was forgotten', async () => {
    const { yard } = await ran();
    await yard.open().workspace.forget(runId);
    expect(await readdir(yard.old)).toEqual([]);
    expect(await yard.undo()).toEqual({ restored: [], left: [] });
    await yard.open().workspace.forget(runId);
  });

  test('knows the folders that a step made from its old versions', async () => {
    const { yard } = await ran();
    const [, second] = await yard.versions.of(runId);
    expect(second?.files[0]).toEqual(folderVersion('n'));
  });
});
