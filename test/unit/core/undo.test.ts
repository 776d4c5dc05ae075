import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import type { Step } from '../../../src/contract/records.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { createWorkspace } from '../../../src/execution/workspace.ts';
import { calling, openParts, startCore, tempDir } from './support.ts';

const steps: Step[] = [
  { id: 'e', kind: 'edit', changes: [{ path: 'a', base_sha256: sha256('old'), text: 'new' }] },
];

/** A run over real files that is done. */
async function ran() {
  const parts = await openParts(await tempDir());
  const root = dirname(parts.dataDir);
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'a'), 'old');
  const versions = parts.ledger.oldVersions;
  const { edit } = createWorkspace({
    ...{ root, dataDir: parts.dataDir, versions, unsaved: () => [] },
  });
  const done = Promise.withResolvers<void>();
  const started = await startCore(parts, { executors: [edit] });
  const call = calling(started.core);
  started.core.subscribe(async ({ type, id }) => {
    if (type === 'run' && (await call('getRun', { run_id: id })).status === 'done') done.resolve();
  });
  const draft = await call('createDraft', { prompt: 'x', steps });
  const { id: draft_id, digest } = draft;
  const { run } = await call('approveDraft', { draft_id, digest, auto_run: true });
  await done.promise;
  await started.stop();
  return {
    parts,
    root,
    call,
    versions,
    id: run?.id ?? '',
    text: () => readFile(join(root, 'a'), 'utf8'),
  };
}

test('an undo that a crash has cut off is finished at the next start, and audited', async () => {
  const { parts, root, versions, id, text } = await ran();
  await versions.beginUndo(id);
  const { core } = await startCore(parts);
  expect(await text()).toBe('old');
  expect((await readdir(root)).sort()).toEqual(['.orch_data', 'a']);
  const call = calling(core);
  expect((await call('getRun', { run_id: id })).undone_at).toBeTypeOf('string');
  const { entries } = await call('listAudit', { limit: 1000 });
  const mine = entries.filter(({ operation }) => operation === 'finishUndo');
  expect(mine.map(({ actor, target }) => [actor, target])).toEqual([
    ['system', id],
    ['system', id],
  ]);
  expect(await versions.undoing()).toEqual([]);
});

test('an undo that cannot be finished keeps the server from nothing', async () => {
  const { parts, versions, id, text } = await ran();
  await versions.beginUndo(id);
  const told = parts.tells('could not be finished');
  parts.faults.ledger = new GimoError('storage_full', 'No room.');
  await startCore(parts);
  await told;
  expect(await text()).toBe('new');
});

test('an undo counts also if it could not be noted, which is then made good', async () => {
  const { parts, call, id, text } = await ran();
  const { runs } = parts.ledger;
  const put = runs.put;
  runs.put = () => Promise.reject(new GimoError('storage_full', 'No room.'));
  expect(await call('undoRun', { run_id: id })).toEqual({ restored: ['a'], left: [] });
  expect(await text()).toBe('old');
  runs.put = put;
  expect(await call('undoRun', { run_id: id })).toEqual({ restored: [], left: [] });
  expect((await call('getRun', { run_id: id })).undone_at).toBeTypeOf('string');
});
