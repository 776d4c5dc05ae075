import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GimoError } from '../../../src/contract/errors.ts';
import { restoreDecided } from '../../../src/core/approval-recovery.ts';
import { openAudit } from '../../../src/core/audit.ts';
import { openDecisions } from '../../../src/core/decisions.ts';
import { approvedSuffix } from '../../../src/core/ids.ts';
import type { AuditFile } from '../../../src/core/ports.ts';
import {
  artifactOf,
  calling,
  draftId,
  draftOf,
  gate,
  openParts,
  type Parts,
  startCore,
  tempDir,
} from './support.ts';

const opsDir = ({ dataDir }: Parts) => join(dataDir, 'ops');
const full = new GimoError('storage_full', 'No room.');

describe('after a crash between artifact and draft', () => {
  it('the draft is settled: the artifact is where an approval is made', async () => {
    const parts = await openParts(await tempDir());
    const draft = draftOf(1, { content: 'c' });
    const artifact = artifactOf(draft, parts.ledger);
    await parts.store.drafts.put(draft);
    await parts.store.drafts.put(draftOf(2));
    await parts.store.approved.put(artifact);
    const call = calling((await startCore(parts)).core);
    expect(await call('getDraft', { draft_id: draft.id })).toMatchObject({
      ...{ status: 'approved', approved_id: artifact.id, digest: artifact.digest },
      updated_at: artifact.approved_at,
    });
    expect(await call('getDraft', { draft_id: draftId(2) })).toMatchObject({ status: 'draft' });
    const again = call('approveDraft', { draft_id: draft.id });
    await expect(again).rejects.toMatchObject({ code: 'conflict_state' });
    expect(await call('getApproved', { approved_id: artifact.id })).toMatchObject({
      runnable: true,
    });
  });

  it('is settled between two audit entries', async () => {
    const parts = await openParts(await tempDir());
    const draft = draftOf(1);
    await parts.store.drafts.put(draft);
    await parts.store.approved.put(artifactOf(draft, parts.ledger));
    await startCore(parts);
    const lines: string[] = [];
    for await (const line of parts.auditFile.lines()) lines.push(line);
    expect(lines).toEqual([
      expect.stringMatching(/"actor":"system","operation":"settleApproval".*"outcome":"intent"/),
      expect.stringMatching(/"actor":"system","operation":"settleApproval".*"outcome":"done"/),
    ]);
  });

  it('a draft that was decided otherwise stays as it is', async () => {
    const parts = await openParts(await tempDir());
    const draft = draftOf(1, { status: 'rejected' });
    await parts.store.drafts.put(draft);
    await parts.store.approved.put(artifactOf(draft, parts.ledger));
    const call = calling((await startCore(parts)).core);
    expect(await call('getDraft', { draft_id: draft.id })).toMatchObject({ status: 'rejected' });
  });
});

describe('a forged artifact whose name ends in the right suffix', () => {
  const draft = draftOf(1);
  const name = (time: number) => `a_${time}_${approvedSuffix(draft.id)}`;
  /** Puts files beside a draft that waits, starts, and tells what became of the draft. */
  async function draftAfter(put: (parts: Parts) => Promise<void>) {
    const parts = await openParts(await tempDir());
    await parts.store.drafts.put(draft);
    await put(parts);
    return calling((await startCore(parts)).core)('getDraft', { draft_id: draft.id });
  }

  it.each([
    ['has no seal', { seal: null }],
    ['has a made up seal', { seal: '0'.repeat(64) }],
    ['names another draft', { draft_id: draftId(2) }],
  ])('does not settle the draft when it %s', async (_what, fields) => {
    const after = await draftAfter(({ store, ledger }) =>
      store.approved.put({ ...artifactOf(draft, ledger), ...fields }),
    );
    expect(after).toMatchObject({ status: 'draft', approved_id: null });
  });

  it('does not settle the draft with the seal of another artifact', async () => {
    const after = await draftAfter(({ store, ledger }) =>
      store.approved.put({
        ...artifactOf(draft, ledger),
        seal: artifactOf(draftOf(2), ledger).seal,
      }),
    );
    expect(after.status).toBe('draft');
  });

  it.each([1, 1_900_000_000_000])('does not hide the true one, older or newer (%i)', async (at) => {
    const after = await draftAfter(async ({ store, ledger }) => {
      const artifact = artifactOf(draft, ledger);
      await store.approved.put(artifact);
      await store.approved.put({ ...artifact, id: name(at), seal: null });
    });
    expect(after.status).toBe('approved');
  });

  it('does not stop the server when it cannot be read', async () => {
    const after = await draftAfter((parts) =>
      writeFile(join(opsDir(parts), 'approved', `${name(1)}.json`), '{"id": '),
    );
    expect(after.status).toBe('draft');
  });
});

/** Lets something happen once a method has done its work and its caller has gone on. */
function soonAfter<T extends object, K extends keyof T>(target: T, name: K, then: () => void) {
  const method = target[name];
  if (typeof method !== 'function') throw new Error('not a method');
  const wrapped = async (...args: unknown[]) => {
    const result: unknown = await method.apply(target, args);
    setImmediate(then);
    return result;
  };
  Object.assign(target, { [name]: wrapped });
}

describe('an approval', () => {
  async function withDraft() {
    const parts = await openParts(await tempDir());
    const { core } = await startCore(parts);
    const call = calling(core);
    const draft = await call('createDraft', { prompt: 'p', content: 'c', context: { k: 1 } });
    return { parts, core, call, draft };
  }

  it('seals exactly what the draft held, for the provider that was active', async () => {
    const { parts, call, draft } = await withDraft();
    const { approved, run } = await call('approveDraft', {
      ...{ draft_id: draft.id, digest: draft.digest, shown_digest: draft.digest },
    });
    expect(approved).toMatchObject({
      ...{ draft_id: draft.id, prompt: 'p', content: 'c', context: { k: 1 }, steps: null },
      ...{ digest: draft.digest, shown_digest: draft.digest, key_id: parts.ledger.keyId },
      provider_resolved: { name: 'offline', type: 'offline', origin: null, model: 'offline' },
      ...{ runnable: true, blocked_reason: null, consumed_by: null, expires_at: null },
    });
    expect(run).toBeNull();
  });

  it('of a draft that has changed since is refused, and nothing happens', async () => {
    const { parts, call, draft } = await withDraft();
    await call('editDraft', { draft_id: draft.id, content: 'another' });
    for (const named of [{ digest: draft.digest }, { shown_digest: draft.digest }])
      await expect(call('approveDraft', { draft_id: draft.id, ...named })).rejects.toMatchObject({
        code: 'stale',
      });
    expect(await readdir(join(opsDir(parts), 'approved'))).toEqual([]);
    expect(await call('getDraft', { draft_id: draft.id })).toMatchObject({ status: 'draft' });
  });

  it('twice at the same moment makes one artifact', async () => {
    const { parts, call, draft } = await withDraft();
    const both = await Promise.allSettled([
      call('approveDraft', { draft_id: draft.id }),
      call('approveDraft', { draft_id: draft.id }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await readdir(join(opsDir(parts), 'approved'))).toHaveLength(1);
  });

  it('against a rejection at the same moment: one of them is what happened', async () => {
    const { parts, call, draft } = await withDraft();
    const [rejected, approved] = await Promise.allSettled([
      call('rejectDraft', { draft_id: draft.id }),
      call('approveDraft', { draft_id: draft.id }),
    ]);
    expect([rejected.status, approved.status]).toEqual(['fulfilled', 'rejected']);
    expect(await readdir(join(opsDir(parts), 'approved'))).toEqual([]);
  });

  it('names the provider that the digest names, also when another is set at that moment', async () => {
    const parts = await openParts(await tempDir());
    const { auditFile, ledger, store } = parts;
    const [prepared, provided] = [gate(), gate()];
    // Another provider is set after the approval was prepared and before its effect begins.
    async function append(...[lines, head]: Parameters<AuditFile['append']>) {
      if (lines.some((line) => line.includes('"setProvider"'))) await prepared.promise;
      await auditFile.append(lines, head);
      if (lines.some((line) => line.includes('"approveDraft"'))) await provided.promise;
    }
    const { core } = await startCore(parts, { auditFile: { ...auditFile, append } });
    const call = calling(core);
    const draft = await call('createDraft', { prompt: 'p' });
    soonAfter(store.drafts, 'get', prepared.resolve);
    soonAfter(ledger.provider, 'write', provided.resolve);
    const other = { type: 'openai_compat', base_url: 'http://127.0.0.1:9/v1', model: 'm' };
    const set = call('setProvider', { active: 'other', providers: { other } });
    const { approved } = await call('approveDraft', { draft_id: draft.id, digest: draft.digest });
    await set;
    expect(approved.provider_resolved?.name).toBe('offline');
    expect(approved.digest).toBe(draft.digest);
    expect(approved.blocked_reason).toContain('not set up as it was');
  });

  it('that the disk refuses in the middle is none, and the next one makes one artifact', async () => {
    const { parts, call, draft } = await withDraft();
    const { put } = parts.store.drafts;
    const refuse = () => Promise.reject(full);
    Object.assign(parts.store.drafts, { put: refuse });
    const refused = call('approveDraft', { draft_id: draft.id });
    await expect(refused).rejects.toMatchObject({ code: 'storage_full' });
    expect(await readdir(join(opsDir(parts), 'approved'))).toEqual([]);
    Object.assign(parts.store.drafts, { put });
    await call('approveDraft', { draft_id: draft.id });
    expect(await readdir(join(opsDir(parts), 'approved'))).toHaveLength(1);
  });

  it('stands although no run could be made of it, and says why', async () => {
    const { parts, call, draft } = await withDraft();
    parts.ledger.runs.put = () => Promise.reject(full);
    const ran = call('approveDraft', { draft_id: draft.id, auto_run: true });
    const { approved, run, run_error } = await ran;
    expect(approved.runnable).toBe(true);
    expect(run).toBeNull();
    expect(run_error).toBe('No room.');
  });
});

describe('a decision that is told as failed', () => {
  const calls = [
    ['approveDraft', 'ledger'],
    ['approveDraft', 'store'],
    ['rejectDraft', 'ledger'],
    ['rejectDraft', 'store'],
  ] as const;
  it.each(calls)('%s, by the %s, has not happened', async (operation, part) => {
    const parts = await openParts(await tempDir());
    const call = calling((await startCore(parts)).core);
    const draft = await call('createDraft', { prompt: 'p' });
    parts.faults[part] = full;
    await expect(call(operation, { draft_id: draft.id })).rejects.toMatchObject(full);
    delete parts.faults[part];
    expect(await call('getDraft', { draft_id: draft.id })).toMatchObject({ status: 'draft' });
    expect(await readdir(join(opsDir(parts), 'approved'))).toEqual([]);
    expect(await parts.ledger.decided.all()).toEqual([]);
    const { approved } = await call('approveDraft', { draft_id: draft.id });
    expect(approved.runnable).toBe(true);
  });
});

it('a rejection that a crash cut in half is completed', async () => {
  const parts = await openParts(await tempDir());
  await parts.store.drafts.put(draftOf(1));
  await parts.ledger.decided.note({ id: draftId(1), status: 'rejected', approved_id: null });
  const { drafts } = parts.store;
  const written = gate();
  const { put } = drafts;
  drafts.put = async (draft) => {
    await put(draft);
    written.resolve();
  };
  const { core } = await startCore(parts);
  const asked = await calling(core)('getDraft', { draft_id: draftId(1) });
  expect(asked).toMatchObject({ status: 'rejected' });
  await core.cleanUp();
  await written.promise;
  expect(await drafts.get(draftId(1))).toMatchObject({ status: 'rejected' });
});

describe('an approve that is told to have failed', () => {
  const refused = new GimoError('storage_error', 'The file system refused the folder.');
  const edit = {
    ...{ id: 'e', kind: 'edit' as const },
    changes: [{ path: 'a.txt', base_sha256: null, text: 'x' }],
  };
  async function withDraft() {
    const parts = await openParts(await tempDir());
    const { core } = await startCore(parts);
    const call = calling(core);
    const draft = await call('createDraft', { prompt: 'p', steps: [edit] });
    const approve = () =>
      call('approveDraft', { draft_id: draft.id, digest: draft.digest ?? undefined });
    /** An approve whose artifact stands: a sync has failed after the rename, and the removal with it. */
    const failWithArtifact = async () => {
      const { approved } = parts.store;
      const { put, remove } = approved;
      approved.put = async (artifact) => {
        await put(artifact);
        throw refused;
      };
      approved.remove = () => Promise.reject(refused);
      await expect(approve()).rejects.toBe(refused);
      Object.assign(approved, { put, remove });
    };
    return { parts, call, draft, approve, failWithArtifact };
  }

  it('makes nothing run although the disk kept its artifact, whatever becomes of the draft', async () => {
    const { call, draft, approve, failWithArtifact } = await withDraft();
    await failWithArtifact();
    const [left] = await call('listApproved', {});
    expect(left).toMatchObject({ draft_id: draft.id, runnable: false });
    const run = () => call('createRun', { approved_id: left?.id ?? '' });
    await expect(run()).rejects.toMatchObject({ code: 'approval_invalid' });
    const second = await approve();
    expect(second.approved.runnable).toBe(true);
    await expect(run()).rejects.toMatchObject({ code: 'approval_invalid' });
  });

  it('leaves the draft waiting although its file said that it is approved', async () => {
    const { parts, call, draft, approve } = await withDraft();
    const { drafts } = parts.store;
    const { put } = drafts;
    drafts.put = async (record) => {
      await put(record);
      if (record.status === 'approved') throw refused;
    };
    await expect(approve()).rejects.toBe(refused);
    drafts.put = put;
    expect(await call('getDraft', { draft_id: draft.id })).toMatchObject({ status: 'draft' });
    expect(await call('listApproved', {})).toEqual([]);
    expect((await approve()).approved.runnable).toBe(true);
  });

  it('settles no draft that was changed since', async () => {
    const { parts, call, draft, failWithArtifact } = await withDraft();
    await failWithArtifact();
    await call('editDraft', { draft_id: draft.id, prompt: 'another' });
    const { core } = await startCore(parts);
    const now = await calling(core)('getDraft', { draft_id: draft.id });
    expect(now).toMatchObject({ status: 'draft', prompt: 'another' });
  });
});

it('an artifact that only the file of a draft names is not told', async () => {
  const parts = await openParts(await tempDir());
  const { core } = await startCore(parts);
  const call = calling(core);
  const [one, other] = [
    await call('createDraft', { prompt: 'one' }),
    await call('createDraft', { prompt: 'other' }),
  ];
  const { approved } = await call('approveDraft', { draft_id: one.id });
  const file = await parts.store.drafts.get(other.id);
  if (file === null) throw new Error('no such draft');
  await parts.store.drafts.put({ ...file, status: 'approved', approved_id: approved.id });
  expect((await call('getDraft', { draft_id: other.id })).approved_id).toBeNull();
  const mine = await parts.store.drafts.get(one.id);
  if (mine === null) throw new Error('no such draft');
  await parts.store.drafts.put({ ...mine, approved_id: 'a_1_00000000000000aa' });
  expect((await call('getDraft', { draft_id: one.id })).approved_id).toBe(approved.id);
});

describe('a decided draft whose file still waits', () => {
  const rejected = { status: 'rejected', approved_id: null, reject_reason: 'No.' } as const;

  it('keeps what a client that asked again has had written while the drafts were read', async () => {
    const { store, ledger, logger, auditFile, clock } = await openParts(await tempDir());
    const draft = draftOf(1);
    await store.drafts.put(draft);
    await ledger.decided.note({ id: draft.id, ...rejected });
    const decisions = await openDecisions(ledger, logger);
    const audit = await openAudit({ file: auditFile, ledger, clock, logger });
    const written = { ...draft, ...rejected, updated_at: '2027-01-15T08:00:02.000Z' };
    await restoreDecided(store, decisions, audit, async (_, restore) => {
      await store.drafts.put(written);
      await restore();
    });
    expect(await store.drafts.get(draft.id)).toEqual(written);
  });
});
