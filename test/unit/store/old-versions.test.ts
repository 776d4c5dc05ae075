import { createHash } from 'node:crypto';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { openLedger } from '../../../src/store/ledger.ts';
import { createOldVersions } from '../../../src/store/old-versions.ts';
import { runId, tempDir } from './support.ts';

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const run = runId(1);
const versionOf = (path: string, before: string | null, after: string | null) => ({
  path,
  before: before === null ? null : { sha256: sha(before), mode: 0o644 },
  after: after === null ? null : sha(after),
});
const kept = (path: string, before: string | null, after: string | null) => ({
  ...versionOf(path, before, after),
  bytes: before === null ? null : Buffer.from(before),
});
const opened = async () => await openLedger({ dir: await tempDir(), dataDir: '/data' });

test('what files were is there after a restart, in the order of the steps', async () => {
  const ledger = await opened();
  const steps = ['z', '../up', 'a'];
  for (const step of steps)
    await ledger.oldVersions.keep(run, step, [kept('f', step, 'x'), kept('g', null, step)]);
  const { oldVersions } = await openLedger({ dir: ledger.dir, dataDir: '/data' });
  expect(await oldVersions.of(run)).toEqual(
    steps.map((step) => ({
      stepId: step,
      files: [versionOf('f', step, 'x'), versionOf('g', null, step)],
    })),
  );
  for (const step of steps)
    expect(Buffer.from(await oldVersions.read(run, step, 'f')).toString()).toBe(step);
  expect(await oldVersions.of(runId(2))).toEqual([]);
});

test('nobody else may read it', async () => {
  const { dir, oldVersions } = await opened();
  await oldVersions.keep(run, 's', [kept('f', 'x', null)]);
  for (const name of [
    'old',
    ...(await readdir(join(dir, 'old'), { recursive: true })).map((one) => join('old', one)),
  ]) {
    const found = await stat(join(dir, name));
    expect([name, found.mode & 0o777]).toEqual([name, found.isFile() ? 0o600 : 0o700]);
  }
});

test('a manifest that is torn or missing means that nothing was kept for the step', async () => {
  const { dir, oldVersions } = await opened();
  for (const step of ['1', '2', '3']) await oldVersions.keep(run, step, [kept('f', step, null)]);
  const manifest = (n: number) => join(dir, 'old', run, `step-00000${n}.json`);
  await truncate(manifest(2), 20);
  await writeFile(manifest(3), '{}');
  expect((await oldVersions.of(run)).map(({ stepId }) => stepId)).toEqual(['1']);
  await expect(oldVersions.read(run, '2', 'f')).rejects.toMatchObject({ code: 'storage_error' });
  await oldVersions.keep(run, '2', [kept('f', 'again', null)]);
  expect((await oldVersions.of(run)).map(({ stepId }) => stepId)).toEqual(['1', '2']);
});

test('a step whose files are kept is not kept again', async () => {
  const { oldVersions } = await opened();
  await oldVersions.keep(run, 's', [kept('f', 'x', null)]);
  const again = oldVersions.keep(run, 's', [kept('f', 'y', null)]);
  await expect(again).rejects.toMatchObject({ code: 'internal' });
  expect(Buffer.from(await oldVersions.read(run, 's', 'f')).toString()).toBe('x');
});

test('equal contents are kept once, and only the bytes that are named', async () => {
  const { dir, oldVersions } = await opened();
  await oldVersions.keep(run, '1', [kept('f', 'x', null), kept('g', 'x', 'y')]);
  await oldVersions.keep(run, '2', [kept('h', 'x', null)]);
  expect((await readdir(join(dir, 'old', run))).sort()).toEqual(
    [sha('x'), 'step-000001.json', 'step-000002.json'].sort(),
  );
  for (const bytes of [Buffer.from('other'), null]) {
    const wrong = oldVersions.keep(run, '3', [{ ...kept('i', 'x', null), bytes }]);
    await expect(wrong).rejects.toMatchObject({ code: 'internal' });
  }
});

test('what is not as it was kept is not handed out', async () => {
  const { dir, oldVersions } = await opened();
  await oldVersions.keep(run, 's', [kept('f', 'was', null), kept('new', null, 'x')]);
  for (const path of ['other', 'new', `../${run}/f`])
    await expect(oldVersions.read(run, 's', path)).rejects.toMatchObject({ code: 'storage_error' });
  await writeFile(join(dir, 'old', run, sha('was')), 'is!');
  await expect(oldVersions.read(run, 's', 'f')).rejects.toMatchObject({ code: 'storage_error' });
});

test('what was put back is known as that after a restart, whatever was noted before', async () => {
  const ledger = await opened();
  const { oldVersions } = ledger;
  const files = [kept('f', 'x', 'y'), kept('g', null, 'z'), kept('h', 'x', null)];
  for (const step of ['1', '2']) await oldVersions.keep(run, step, files);
  await oldVersions.putBack(run, '1', ['g', 'other']);
  await Promise.all(['f', 'g'].map((path) => oldVersions.putBack(run, '1', [path])));
  await oldVersions.putBack(run, 'other', ['f']);
  const again = (await openLedger({ dir: ledger.dir, dataDir: '/data' })).oldVersions;
  const back = (await again.of(run)).map(({ stepId, files: all }) => [
    stepId,
    ...all.flatMap((file) => (file.back ? [file.path] : [])),
  ]);
  expect(back).toEqual([['1', 'f', 'g'], ['2']]);
  expect(Buffer.from(await again.read(run, '1', 'f')).toString()).toBe('x');
});

test('an undo that has begun is known until its end, also after a restart', async () => {
  const ledger = await opened();
  const { oldVersions } = ledger;
  for (const id of [runId(2), run]) await oldVersions.beginUndo(id);
  await oldVersions.beginUndo(run);
  const again = (await openLedger({ dir: ledger.dir, dataDir: '/data' })).oldVersions;
  expect(await again.undoing()).toEqual([run, runId(2)]);
  for (let n = 0; n < 2; n += 1) await again.endUndo(run);
  await again.remove(runId(2));
  expect(await again.undoing()).toEqual([]);
});

test('a run is forgotten as a whole, and the others stay', async () => {
  const { dir, oldVersions } = await opened();
  for (const id of [run, runId(2)]) await oldVersions.keep(id, 's', [kept('f', 'x', null)]);
  await oldVersions.remove(run);
  await oldVersions.remove(run);
  expect(await oldVersions.of(run)).toEqual([]);
  expect(await readdir(join(dir, 'old'))).toEqual([runId(2)]);
});

test('an id that is none never becomes a path', async () => {
  const { dir, oldVersions } = await opened();
  for (const id of ['..', '../runs', '', '.', `${run}/..`]) {
    await expect(oldVersions.keep(id, 's', [])).rejects.toMatchObject({ code: 'internal' });
    await expect(oldVersions.of(id)).rejects.toMatchObject({ code: 'internal' });
    await expect(oldVersions.read(id, 's', 'f')).rejects.toMatchObject({ code: 'internal' });
    await expect(oldVersions.remove(id)).rejects.toMatchObject({ code: 'internal' });
  }
  expect(await readFile(join(dir, 'key.json'), 'utf8')).not.toBe('');
});

test('nothing is kept or forgotten once the claim is lost', async () => {
  const dir = await tempDir();
  let lost = false;
  const versions = createOldVersions(dir, () => {
    if (lost) throw new GimoError('not_writer', 'Lost.');
  });
  await versions.keep(run, '1', [kept('f', 'x', null)]);
  lost = true;
  const keep = versions.keep(run, '2', [kept('f', 'y', null)]);
  await expect(keep).rejects.toMatchObject({ code: 'not_writer' });
  await expect(versions.remove(run)).rejects.toMatchObject({ code: 'not_writer' });
  expect(await versions.of(run)).toHaveLength(1);
});
