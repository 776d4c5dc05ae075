import { hasEffects } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { ApprovedRecord, DraftRecord, RunRecord } from '../contract/records.ts';
import { type Approvals, sealHolds } from './artifacts.ts';
import type { Asking } from './asking.ts';
import type { Act, Audit } from './audit.ts';
import type { Decisions } from './decisions.ts';
import { sealOf } from './digest.ts';
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
        await store.approved.put(artifact);
        const { id: approved_id, approved_at: updated_at } = artifact;
        try {
          await decisions.around({ id: draft.id, status: 'approved', approved_id }, () =>
            store.drafts.put({ ...draft, status: 'approved', approved_id, updated_at }),
          );
        } catch (error) {
          // The caller is told that it failed; what failed must not stand, nor become a second one later.
          await store.approved.remove(approved_id);
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

/**
 * Completes decisions that a crash cut in half, and those that somebody has written over: a draft that the ledger knows
 * as decided gets its status back. Of an approval the artifact is the commit point, so a draft that still waits although
 * a sealed artifact of it stands is settled. Finds the artifact by the part of its name that is made of the draft's id;
 * anybody can name a file like that, so all of them are looked at, and only the seal counts.
 */
export async function settleApprovals(
  store: Pick<Store, 'approved' | 'drafts'>,
  ledger: Ledger,
  decisions: Decisions,
  audit: Audit,
): Promise<void> {
  const bySuffix = new Map<string, string[]>();
  for (const id of await store.approved.ids()) {
    const suffix = id.slice(id.lastIndexOf('_') + 1);
    const same = bySuffix.get(suffix);
    if (same === undefined) bySuffix.set(suffix, [id]);
    else same.push(id);
  }
  let before: string | undefined;
  do {
    const page = await store.drafts.list({
      limit: 1000,
      status: ['draft'],
      ...(before === undefined ? {} : { before }),
    });
    for (const draft of page.records) {
      if (decisions.of(draft.id) !== undefined) {
        const act = actOf('settleDecision', draft.id);
        await audit.around(act, () => store.drafts.put(decisions.standing(draft)));
        continue;
      }
      for (const id of bySuffix.get(approvedSuffix(draft.id)) ?? []) {
        const artifact = await store.approved.get(id);
        if (artifact?.draft_id !== draft.id || !sealHolds(artifact, ledger)) continue;
        await settle(draft, artifact, { store, decisions, audit });
        break;
      }
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
