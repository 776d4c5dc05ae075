import { expect, it } from 'vitest';
import type { Executor } from '../../../src/core/work.ts';
import { calling, gate, openParts, startCore, tempDir } from './support.ts';

/** Notes each call of a method, then does what it does. */
function noted<T extends object, K extends keyof T & string>(notes: string[], target: T, name: K) {
  const method = target[name];
  if (typeof method !== 'function') throw new Error('not a method');
  Object.assign(target, {
    [name](...args: unknown[]): unknown {
      notes.push(name);
      return method.apply(target, args);
    },
  });
}

it('between the request of a run and its first step only what must be durable is written', async () => {
  const parts = await openParts(await tempDir());
  const begun = gate();
  const executor: Executor = {
    kind: 'prompt',
    async execute() {
      begun.resolve();
      return { result: { text: '', usage: null } };
    },
  };
  const { core, stop } = await startCore(parts, { executors: [executor] });
  const call = calling(core);
  const draft = await call('createDraft', { prompt: 'p' });
  const { approved } = await call('approveDraft', { draft_id: draft.id });
  const written = { audit: [], ledger: [], runs: [], drafts: [], approved: [] };
  noted(written.audit, parts.auditFile, 'append');
  noted(written.ledger, parts.ledger.runs, 'put');
  for (const folder of ['runs', 'drafts', 'approved'] as const)
    noted(written[folder], parts.store[folder], 'put');
  const at: Record<string, number> = {};
  const first = begun.promise.then(() => {
    for (const [what, calls] of Object.entries(written)) at[what] = calls.length;
  });
  await call('createRun', { approved_id: approved.id });
  await first;
  // The entry and the file of the run when it is made, and again when it begins; the audit's intent before, and its
  // outcome meanwhile, on which the step does not wait.
  expect(at.audit).toBeLessThanOrEqual(2);
  expect(at).toMatchObject({ ledger: 2, runs: 2, drafts: 0, approved: 0 });
  await stop();
});
