import { hasEffects } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, DraftRecord, RunRecord } from '../contract/records.ts';
import { type Approvals, sealHolds } from './artifacts.ts';
import type { Asking } from './asking.ts';
import type { Act, Audit } from './audit.ts';
import type { Decisions } from './decisions.ts';
import { digestOf, sealOf } from './digest.ts';
import { type Drafts, draftLock } from './drafts.ts';
import type { Call, Handlers } from './handlers.ts';
import { approvedSuffix, type Ids } from './ids.ts';
import type { Clock, Ledger, Logger, Store } from './ports.ts';
import { systemActor } from './principals.ts';
import type { Settings } from './settings.ts';

export interface ApprovalPorts {
  store: Pick<Store, 'approved' | 'drafts'>;
  ledger: Ledger;
  decisions: Decisions;
  settings: Settings;
  clock: Clock;
  ids: Ids;
  asking: Asking;
}

/** Makes a run of an approved artifact, for the gate and for `auto_run`. */
export interface RunMaker {
  /** @param id the run's; it is made beforehand, so that it can be noted before anything happens */
  make(artifact: ApprovedRecord, call: Call, id: string): Promise<RunRecord>;
  /** The run that a repeated call has made, as it is now, or null if it is gone. */
  recall(records: readonly string[]): Promise<RunRecord | null>;
}

/** The operation that the whole product stands around: a person says yes to exactly this. */
export function approveHandler(
  ports: ApprovalPorts & { drafts: Drafts; approvals: Approvals; runs: RunMaker; logger: Logger },
): Handlers['approveDraft'] {
  const { store, ledger, decisions, settings, asking, clock, ids, drafts } = ports;
  const { approvals, runs } = ports;
  return {
    lock: draftLock,
    async prepare({ draft_id, auto_run, digest, shown_digest }, call) {
      const found = await drafts.waiting(draft_id, call);
      const { provider_resolved, ...draft } = drafts.show(found);
      if (hasEffects(draft.steps)) requireNamed(call, digest);
      checkDigests(draft.digest, digest, shown_digest);
      drafts.requireApprovable(found);
      if (asking.needsEditor(call, draft.steps)) {
        const { id, prompt } = draft;
        const { actor } = call.principal;
        return asking.ask(id, { about: 'approve', draft: { id, prompt }, actor });
      }
      const [artifactId, runId] = [ids.approved(draft.id), ids.run()];
      const effect = async () => {
        const at = clock.now();
        const { approval_ttl_minutes: ttl, default_auto_run } = settings.config();
        const unsealed: ApprovedRecord = {
          id: artifactId,
          draft_id: draft.id,
          prompt: draft.prompt,
          provider: draft.provider,
          content: draft.content ?? '',
          approved_at: new Date(at).toISOString(),
          approved_by: call.principal.actor,
          steps: draft.steps,
          context: draft.context,
          provider_resolved,
          digest: draft.digest,
          seal: null,
          key_id: ledger.keyId,
          shown_digest: shown_digest ?? null,
          expires_at: ttl === 0 ? null : new Date(at + ttl * 60_000).toISOString(),
          consumed_by: null,
        };
        const artifact = { ...unsealed, seal: sealOf(unsealed, ledger) };
        const { id: approved_id, approved_at: updated_at } = artifact;
        try {
          await store.approved.put(artifact);
          await decisions.around({ id: draft.id, status: 'approved', approved_id }, () =>
            store.drafts.put({ ...draft, status: 'approved', approved_id, updated_at }),
          );
        } catch (error) {
          await takeBack(ports, approved_id, found);
          throw error;
        }
        const ran =
          (auto_run ?? default_auto_run) ? await tryRun(ports, artifact, call, runId) : {};
        return {
          body: { approved: approvals.show(artifact), run: null, ...ran },
          changes: [
            { type: 'draft', id: draft.id } as const,
            { type: 'approved', id: artifact.id } as const,
          ],
        };
      };
      return { target: draft_id, makes: [artifactId, runId], effect };
    },
    async recall([artifactId = '', runId = ''], { auto_run }) {
      const artifact = await store.approved.get(artifactId);
      if (artifact === null) return null;
      const body = { approved: approvals.show(artifact), run: await runs.recall([runId]) };
      if (body.run !== null || auto_run !== true) return body;
      return { ...body, run_error: 'No run was made, or it is no longer there.' };
    },
  };
}

/**
 * The caller is told that the approve failed, so nothing of it stands: a disk may refuse what it has done already. What
 * cannot be taken back could not run either, as no decision of the ledger names it.
 */
async function takeBack(
  { store, logger }: Pick<ApprovalPorts, 'store'> & { logger: Logger },
  approvedId: string,
  draft: DraftRecord,
) {
  const undone = await Promise.allSettled([
    store.approved.remove(approvedId),
    store.drafts.put(draft),
  ]);
  for (const one of undone)
    if (one.status === 'rejected')
      logger.log('error', `a part of the failed approve of ${draft.id} stands: ${one.reason}`);
}

/** The approval stands whether or not a run could be made; why it could not is told, never swallowed. */
async function tryRun(
  { runs, logger }: { runs: RunMaker; logger: Logger },
  artifact: ApprovedRecord,
  call: Call,
  runId: string,
) {
  try {
    return { run: await runs.make(artifact, call, runId) };
  } catch (error) {
    logger.log('warn', `approved, but no run was made: ${String(error)}`, {
      correlation_id: call.correlationId,
    });
    const told = GimoError.is(error) ? error.message : 'The run could not be made. See the log.';
    return { run_error: told };
  }
}

function checkDigests(current: string | null, digest?: string, shown?: string) {
  if ([digest, shown].some((named) => named !== undefined && named !== current))
    throw new GimoError(
      'stale',
      'The draft, or the provider it would run with, is not what you saw, and nothing was approved. Read the draft again, then decide.',
    );
}

/** What changes something is approved by name, or not at all: a yes to whatever stands there now is none. */
function requireNamed({ ifMatch }: Call, digest?: string) {
  if (digest !== undefined || (ifMatch !== undefined && ifMatch.trim() !== '*')) return;
  throw new GimoError(
    'precondition_required',
    'This draft changes files or runs commands, so an approval has to name what it is for. Read the draft, then send its digest, or its ETag as If-Match.',
  );
}

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
 * @param inTurn carries out each write, or rejects once there is to be none any more
 */
export async function restoreDecided(
  store: Pick<Store, 'drafts'>,
  decisions: Decisions,
  audit: Audit,
  inTurn: (job: () => Promise<void>) => Promise<void>,
): Promise<void> {
  let before: string | undefined;
  do {
    const from = before === undefined ? {} : { before };
    const page = await store.drafts.list({ limit: 1000, status: ['draft'], ...from });
    for (const draft of page.records) {
      if (decisions.of(draft.id) === undefined) continue;
      const act = actOf('settleDecision', draft.id);
      await inTurn(() => audit.around(act, () => store.drafts.put(decisions.standing(draft))));
    }
    before = page.next ?? undefined;
  } while (before !== undefined);
}

const actOf = (operation: string, target: string): Act => ({
  ...{ correlationId: 'recovery', actor: systemActor, request: null },
  ...{ operation, target },
});

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
  return audit.around(actOf('settleApproval', draft.id), () => decisions.around(decision, put));
}
