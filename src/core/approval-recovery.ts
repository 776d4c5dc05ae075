import type { ApprovedRecord, DraftRecord } from '../contract/records.ts';
import { sealHolds } from './artifacts.ts';
import { type Audit, systemAct } from './audit.ts';
import type { Decisions } from './decisions.ts';
import { digestOf } from './digest.ts';
import { approvedSuffix } from './ids.ts';
import type { Ledger } from './ledger-ports.ts';
import { every } from './lists.ts';
import type { Store } from './ports.ts';

/** The part of an artifact's id that names its draft; null if it was not made here. */
const suffixOf = (approvedId: string) => /_([0-9a-f]{16})$/.exec(approvedId)?.[1] ?? null;

/**
 * Completes approvals that a crash cut in half. The artifact is the commit point, so a draft that still waits although a
 * sealed artifact of it stands is settled. Reads only artifacts that no decision names: anybody can name a file like
 * that, so only the seal counts.
 */
export async function settleApprovals(
  store: Pick<Store, 'approved' | 'drafts'>,
  ledger: Ledger,
  decisions: Decisions,
  audit: Audit,
): Promise<void> {
  const named = decisions.artifacts();
  for (const id of await store.approved.ids()) {
    const suffix = suffixOf(id);
    if (suffix === null || named.has(id)) continue;
    const artifact = await store.approved.get(id);
    if (artifact === null || !sealHolds(artifact, ledger)) continue;
    const { draft_id } = artifact;
    if (approvedSuffix(draft_id) !== suffix || decisions.of(draft_id) !== undefined) continue;
    const draft = await store.drafts.get(draft_id);
    // One that was edited since is another: the approve of what it was had failed by then.
    if (draft?.status !== 'draft') continue;
    if (digestOf(draft, artifact.provider_resolved) !== artifact.digest) continue;
    await settle(draft, artifact, { store, decisions, audit });
  }
}

/**
 * Gives the files of drafts that were decided their status back, where a crash or somebody else has left them waiting.
 * Nobody who asks the gate sees the difference, so this may take its time.
 *
 * @param inTurn carries out each write while nobody else changes that draft, or rejects once there is to be none any more
 */
export async function restoreDecided(
  store: Pick<Store, 'drafts'>,
  decisions: Decisions,
  audit: Audit,
  inTurn: (draftId: string, job: () => Promise<void>) => Promise<void>,
): Promise<void> {
  for await (const { id } of every(store.drafts, ['draft'])) {
    if (decisions.of(id) === undefined) continue;
    await inTurn(id, async () => {
      // The list may be old by now: a client that asked again for its decision has had it written already.
      const draft = await store.drafts.get(id);
      if (draft?.status !== 'draft') return;
      const act = systemAct('settleDecision', id);
      await audit.around(act, () => store.drafts.put(decisions.standing(draft)));
    });
  }
}

function settle(
  draft: DraftRecord,
  artifact: ApprovedRecord,
  ports: { store: Pick<Store, 'drafts'>; decisions: Decisions; audit: Audit },
) {
  const { store, decisions, audit } = ports;
  const decision = { id: draft.id, status: 'approved', approved_id: artifact.id } as const;
  const put = () =>
    store.drafts.put({
      ...draft,
      status: 'approved',
      approved_id: artifact.id,
      digest: artifact.digest,
      updated_at: artifact.approved_at,
    });
  return audit.around(systemAct('settleApproval', draft.id), () => decisions.around(decision, put));
}
