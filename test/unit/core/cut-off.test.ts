import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAudit } from '../../../src/core/audit.ts';
import { calling, draftOf, openParts, startCore, tempDir } from './support.ts';

const act = {
  ...{ correlationId: 'c', actor: 'admin:0', operation: 'setConfig', target: null, request: null },
};

/** A directory in which setting the configuration was cut off, after the ledger had it. */
async function cutOff() {
  const parts = await openParts(await tempDir());
  const first = await startCore(parts);
  const admin = calling(first.core);
  await admin('setConfig', { run_timeout_s: 100 });
  const config = await parts.ledger.config.read();
  const audit = await openAudit({ ...parts, file: parts.auditFile });
  await audit.append(act, 'intent');
  await parts.ledger.config.write({ ...Object(config), run_timeout_s: 200 });
  return parts;
}

describe('a mutation that a crash cut off', () => {
  it('keeps the reason of a rejection that the draft does not tell yet', async () => {
    const parts = await openParts(await tempDir());
    const draft = draftOf(1);
    await parts.store.drafts.put(draft);
    const decision = { id: draft.id, status: 'rejected', approved_id: null } as const;
    await parts.ledger.decided.note({ ...decision, reject_reason: 'No.' });
    const { core } = await startCore(parts);
    const found = await calling(core)('getDraft', { draft_id: draft.id });
    expect(found).toMatchObject({ status: 'rejected', reject_reason: 'No.' });
  });

  it('is completed in the copy of a setting, and does not count as changed outside', async () => {
    const parts = await cutOff();
    const { core } = await startCore(parts);
    const admin = calling(core);
    expect(await admin('listChanges', {})).toEqual([]);
    expect(await parts.store.config.read()).toMatchObject({ run_timeout_s: 200 });
  });

  it('is completed once: what is changed by hand later waits for a person', async () => {
    const parts = await cutOff();
    await startCore(parts);
    const path = join(parts.dataDir, 'ops', 'config.json');
    await writeFile(path, JSON.stringify({ run_timeout_s: 300 }));
    const { core } = await startCore(parts);
    const admin = calling(core);
    expect(await admin('listChanges', {})).toMatchObject([{ what: 'config' }]);
    expect(await parts.store.config.read()).toMatchObject({ run_timeout_s: 300 });
  });
});
