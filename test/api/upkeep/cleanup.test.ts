import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startServer } from '../harness.ts';
import { approve, runWhen, startRun } from '../runs/support.ts';
import { auditOf, expectError } from '../wire/support.ts';

describe('ORCH_OPS_RUN_TTL', () => {
  it('says for how many seconds a terminal run is kept, and its ledger entry goes with it', async () => {
    const server = await startServer();
    const { approved } = await approve(server);
    const run = await startRun(server, approved.id);
    await runWhen(server, run.id, ({ status }) => status === 'done');
    const next = await server.restart({ env: { ORCH_OPS_RUN_TTL: '1' } });
    await new Promise<void>((resolve) => {
      next.host.onChange(({ type, id }) => {
        if (type === 'run' && id === run.id) resolve();
      });
    });
    const gone = await next.request('GET', `/ops/runs/${run.id}`, { role: 'actions' });
    expectError(gone, 'not_found');
    expect(await readdir(join(next.host.ledgerDir, 'runs'))).toEqual([]);
    expect((await auditOf(next)).at(-1)).toMatchObject({
      ...{ operation: 'cleanUpRun', target: run.id, actor: 'system', outcome: 'done' },
    });
  });

  it.each(['0', '-1', 'soon', '1.5'])('cannot be "%s"', async (value) => {
    await expect(startServer({ env: { ORCH_OPS_RUN_TTL: value } })).rejects.toThrow(
      /ORCH_OPS_RUN_TTL/,
    );
  });
});
