import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Draft, table } from '../../../src/contract/operations.ts';
import type { RunRecord } from '../../../src/contract/records.ts';
import { startServer, type TestServer } from '../harness.ts';
import { expectError, newDraft } from '../wire/support.ts';
import { post, readRun, whenEnded } from './support.ts';

/** Approves a draft of effects, and waits until its run is over. */
async function approveAndRun(server: TestServer, { id, digest }: Draft): Promise<RunRecord> {
  const path = `/ops/drafts/${id}/approve?digest=${digest}&auto_run=true`;
  const { run } = table.approveDraft.output.parse((await post(server, path)).body);
  return whenEnded(server, run?.id ?? '');
}

async function ran(text = 'new') {
  const server = await startServer();
  const file = join(server.root, 'a.txt');
  await writeFile(file, 'old');
  const steps = [{ id: 'e', kind: 'edit', changes: [{ path: 'a.txt', text }] }];
  const run = await approveAndRun(server, await newDraft(server, { steps }));
  expect(run.status).toBe('done');
  return {
    server,
    run,
    text: () => readFile(file, 'utf8'),
    write: (to: string) => writeFile(file, to),
  };
}
const undo = (server: TestServer, { id }: RunRecord) => post(server, `/ops/runs/${id}/undo`);

describe('an undo', () => {
  it('of a run that was undone leaves the work of the next run', async () => {
    const { server, run, text } = await ran();
    expect((await undo(server, run)).body).toEqual({ restored: ['a.txt'], left: [] });
    const again = await post(server, `/ops/approved/${run.approved_id}/redraft`);
    const next = await approveAndRun(server, Draft.parse(again.body));
    expect([next.status, await text()]).toEqual(['done', 'new']);
    expectError(await undo(server, run), 'conflict_state');
    expect(await text()).toBe('new');
    expect((await undo(server, next)).body).toEqual({ restored: ['a.txt'], left: [] });
  });

  it('is told by the run, in a list and after a restart too', async () => {
    const { server, run } = await ran();
    expect(run.undone_at).toBe(undefined);
    await undo(server, run);
    const undone = await readRun(server, run.id);
    expect(Date.parse(undone.undone_at ?? '')).toBeGreaterThanOrEqual(Date.parse(run.created_at));
    expect({ ...undone, undone_at: undefined }).toEqual(run);
    const listed = async (where: TestServer) => {
      for (const view of ['full', 'summary']) {
        const list = await where.request('GET', `/ops/runs?view=${view}`, { role: 'actions' });
        expect(list.body).toMatchObject([{ id: run.id, undone_at: undone.undone_at }]);
      }
    };
    await listed(server);
    await listed(await server.restart());
  });

  it('that had to leave something may be asked for again', async () => {
    const { server, run, text, write } = await ran();
    await write('mine');
    const left = [{ path: 'a.txt', why: 'It was changed since.' }];
    expect((await undo(server, run)).body).toEqual({ restored: [], left });
    expect((await readRun(server, run.id)).undone_at).toBe(undefined);
    await write('new');
    expect((await undo(server, run)).body).toEqual({ restored: ['a.txt'], left: [] });
    expect(await text()).toBe('old');
  });

  it('is not taken away by who writes into the file of the run that it has happened', async () => {
    const { server, run, text } = await ran();
    const file = join(server.host.dataDir, 'ops', 'runs', `${run.id}.json`);
    const found = z.looseObject({}).parse(JSON.parse(await readFile(file, 'utf8')));
    await writeFile(file, JSON.stringify({ ...found, undone_at: run.finished_at }));
    expect((await readRun(server, run.id)).undone_at).toBe(undefined);
    expect((await undo(server, run)).status).toBe(200);
    expect(await text()).toBe('old');
  });
});
