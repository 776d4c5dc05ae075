import { hasEffects } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { Draft } from '../contract/operations.ts';
import type { ApprovedRecord, DraftRecord } from '../contract/records.ts';
import type { Artifacts } from './artifacts.ts';
import type { Asking } from './asking.ts';
import type { Clock } from './clock.ts';
import type { Decisions } from './decisions.ts';
import { sealOf } from './digest.ts';
import { type Drafts, draftLock } from './drafts.ts';
import type { Call, Handlers } from './handlers.ts';
import type { Ids } from './ids.ts';
import type { Ledger } from './ledger-ports.ts';
import type { Logger, Store } from './ports.ts';
import type { Runs } from './runs.ts';
import type { Settings } from './settings.ts';

export interface ApprovePorts {
  store: Pick<Store, 'approved' | 'drafts'>;
  ledger: Pick<Ledger, 'mac' | 'keyId'>;
  decisions: Decisions;
  settings: Settings;
  clock: Clock;
  ids: Ids;
  asking: Asking;
  drafts: Drafts;
  artifacts: Artifacts;
  runs: Pick<Runs, 'make' | 'recall'>;
  logger: Logger;
}

/** The operation that the whole product stands around: a person says yes to exactly this. */
export function approveHandler(ports: ApprovePorts): Handlers['approveDraft'] {
  const { store, settings, asking, ids, drafts, artifacts, runs } = ports;
  return {
    lock: draftLock,
    async prepare({ draft_id, auto_run, digest, shown_digest }, call) {
      const found = await drafts.waiting(draft_id, call);
      const shown = drafts.show(found);
      const { id, prompt, steps } = shown;
      if (hasEffects(steps)) requireNamed(call, digest);
      checkDigests(shown.digest, digest, shown_digest);
      drafts.requireApprovable(found);
      if (asking.needsEditor(call, steps)) {
        const { actor } = call.principal;
        return asking.ask(id, { about: 'approve', draft: { id, prompt }, actor });
      }
      const [artifactId, runId] = [ids.approved(id), ids.run()];
      const effect = async () => {
        const wanted = auto_run ?? settings.config().default_auto_run;
        const approved_by = call.principal.actor;
        const yes = { id: artifactId, approved_by, shown_digest: shown_digest ?? null };
        const artifact = artifactOf(shown, yes, ports);
        await keep(artifact, found, ports);
        const ran = wanted ? await tryRun(ports, artifact, call, runId) : {};
        return {
          body: { approved: artifacts.show(artifact), run: null, ...ran },
          changes: [{ type: 'draft', id } as const, { type: 'approved', id: artifact.id } as const],
        };
      };
      return { target: draft_id, makes: [artifactId, runId], effect };
    },
    async recall([artifactId = '', runId = ''], { auto_run }) {
      const artifact = await store.approved.get(artifactId);
      if (artifact === null) return null;
      const body = { approved: artifacts.show(artifact), run: await runs.recall([runId]) };
      if (body.run !== null || auto_run !== true) return body;
      return { ...body, run_error: 'No run was made, or it is no longer there.' };
    },
  };
}

/** The artifact of a draft as it was shown, sealed. */
function artifactOf(
  { provider_resolved, ...draft }: Draft,
  yes: Pick<ApprovedRecord, 'id' | 'approved_by' | 'shown_digest'>,
  { ledger, settings, clock }: ApprovePorts,
): ApprovedRecord {
  const at = clock.now();
  const { approval_ttl_minutes: ttl } = settings.config();
  const unsealed: ApprovedRecord = {
    ...yes,
    draft_id: draft.id,
    prompt: draft.prompt,
    provider: draft.provider,
    content: draft.content ?? '',
    approved_at: new Date(at).toISOString(),
    steps: draft.steps,
    context: draft.context,
    provider_resolved,
    digest: draft.digest,
    seal: null,
    key_id: ledger.keyId,
    expires_at: ttl === 0 ? null : new Date(at + ttl * 60_000).toISOString(),
    consumed_by: null,
  };
  return { ...unsealed, seal: sealOf(unsealed, ledger) };
}

/** Keeps an approval: the artifact first, which is the commit point, then what was decided about its draft. */
async function keep(
  artifact: ApprovedRecord,
  draft: DraftRecord,
  ports: ApprovePorts,
): Promise<void> {
  const { store, decisions } = ports;
  const { id: approved_id, approved_at: updated_at, digest } = artifact;
  try {
    await store.approved.put(artifact);
    await decisions.around({ id: draft.id, status: 'approved', approved_id }, () =>
      store.drafts.put({ ...draft, digest, status: 'approved', approved_id, updated_at }),
    );
  } catch (error) {
    await takeBack(ports, approved_id, draft);
    throw error;
  }
}

/**
 * The caller is told that the approve failed, so nothing of it stands: a disk may refuse what it has done already. What
 * cannot be taken back could not run either, as no decision of the ledger names it.
 */
async function takeBack(
  { store, logger }: Pick<ApprovePorts, 'store' | 'logger'>,
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
  { runs, logger }: Pick<ApprovePorts, 'runs' | 'logger'>,
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
