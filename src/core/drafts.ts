import { asksModel } from '../contract/digest.ts';
import { GimoError, validationError } from '../contract/errors.ts';
import type { Draft } from '../contract/operations.ts';
import { type DraftRecord, Plan, type Step } from '../contract/records.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Decisions } from './decisions.ts';
import { createDigests, tagHolds } from './digest.ts';
import { checkSteps, requireBases } from './draft-checks.ts';
import type { Change } from './events.ts';
import type { Call } from './handlers.ts';
import { type Ids, requireId, unknownId } from './ids.ts';
import type { Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { Settings } from './settings.ts';
import type { Withhold } from './withhold.ts';

export interface DraftPorts {
  store: Pick<Store, 'drafts' | 'plan'>;
  decisions: Decisions;
  settings: Settings;
  redactor: Redactor;
  withhold: Withhold;
  clock: Clock;
  ids: Ids;
}

/** What a draft starts with; the rest is filled in. */
interface Proposal {
  prompt: string;
  context?: DraftRecord['context'] | undefined;
  content?: string | null | undefined;
  steps?: Step[] | null | undefined;
  plan_task_id?: string | null | undefined;
}

export interface Drafts {
  /** A draft as it is shown: while it waits, its digest is that of this moment. */
  show(draft: DraftRecord): Draft;
  /** Makes of drafts what this caller is told of them, see {@link Withhold}. */
  telling(call: Call): Promise<(draft: DraftRecord) => Draft>;
  /**
   * A draft as this caller is told of it.
   * @throws GimoError `not_found`
   */
  told(id: string, call: Call): Promise<Draft>;
  /** Makes a record of a proposal; it is not stored yet. */
  compose(proposal: Proposal, call: Call): DraftRecord;
  /** Stores a draft as it stands, with the digest of this moment. */
  save(draft: DraftRecord): Promise<{ body: Draft; changes: readonly Change[] }>;
  /** The draft that a repeated call has made, or null if it is gone. */
  recall(records: readonly string[], input: unknown, call: Call): Promise<Draft | null>;
  /** Throws `contains_secret` if a proposal holds a secret that this process knows. */
  refuseSecrets(proposal: unknown): void;
  /** Rejects with `validation_error` if the plan has no such task. No task at all is fine. */
  requireTask(id: string | null | undefined): Promise<void>;
  /**
   * Checks what anybody may have put into a draft's file, as a proposal is checked when it arrives.
   * @throws GimoError what {@link checkSteps} throws, and `contains_secret`
   */
  requireApprovable(draft: DraftRecord): void;
  /**
   * Reads a draft that still waits for a decision.
   * @throws GimoError `not_found`, `conflict_state` (it names the state), or `stale` if `If-Match` does not hold
   */
  waiting(id: string, call: Call): Promise<DraftRecord>;
}

/** The lock under which whatever happens to one draft happens. */
export const draftLock = (input: { draft_id: string }): string => `draft:${input.draft_id}`;

export function createDrafts(ports: DraftPorts): Drafts {
  const { store, decisions, settings, redactor, withhold, clock, ids } = ports;
  const digests = createDigests();
  const show = (record: DraftRecord): Draft => {
    const draft = decisions.standing(record);
    if (draft.status !== 'draft') return { ...draft, provider_resolved: null };
    const active = settings.active();
    return {
      ...draft,
      digest: digests(draft, active),
      provider_resolved: asksModel(draft.steps) ? active : null,
    };
  };

  const read = async (id: string) => {
    requireId('draft', id);
    const draft = await store.drafts.get(id);
    if (draft === null) throw unknownId('draft');
    return decisions.standing(draft);
  };

  const waiting = async (id: string, call: Call) => {
    const draft = await read(id);
    if (draft.status !== 'draft') throw decided(draft);
    if (!tagHolds(call.ifMatch, show(draft)))
      throw new GimoError(
        'stale',
        'The draft has changed since it was read, and nothing was done. Read it again, then decide.',
      );
    return draft;
  };

  const refuseSecrets = (proposal: unknown) => {
    if (redactor.holdsSecret(proposal))
      throw new GimoError(
        'contains_secret',
        'The text holds a token or key that GIMO keeps secret, so it was not stored. Take it out and send it again.',
      );
  };

  const requireTask = async (id: string | null | undefined) => {
    if (id == null) return;
    const plan = Plan.safeParse(await store.plan.read()).data;
    if (plan === undefined || !plan.tasks.some((task) => task.id === id)) throw taskUnknown();
  };

  const requireApprovable = (draft: DraftRecord) => {
    checkSteps(draft.steps);
    requireBases(draft.steps);
    if (redactor.holdsSecret(draft))
      throw new GimoError(
        'contains_secret',
        'The draft holds a token or key that GIMO keeps secret, so it was not approved. Take it out of the draft, or reject it.',
      );
  };

  const compose = (proposal: Proposal, call: Call): DraftRecord => ({
    id: ids.draft(),
    prompt: proposal.prompt,
    context: proposal.context ?? {},
    provider: null,
    content: proposal.content ?? null,
    status: 'draft',
    error: null,
    created_at: timestamp(clock),
    steps: proposal.steps ?? null,
    digest: null,
    updated_at: null,
    reject_reason: null,
    approved_id: null,
    created_by: call.principal.actor,
    source: call.source,
    plan_task_id: proposal.plan_task_id ?? null,
  });

  const save = async (draft: DraftRecord) => {
    const put = (digest: string | null) => store.drafts.put({ ...draft, digest });
    const { id, status, digest, reject_reason } = draft;
    // What is final has the digest that it ended with.
    if (status === 'draft') await put(show(draft).digest);
    else
      await decisions.around({ id, status, approved_id: null, reject_reason }, () => put(digest));
    const shown = show(draft);
    return { body: shown, changes: [{ type: 'draft', id: draft.id } as const] };
  };

  const telling = async (call: Call) => {
    const withheld = await withhold(call);
    return (record: DraftRecord) => withheld(show(record));
  };

  const recall: Drafts['recall'] = async ([id = ''], _input, call) => {
    const draft = await store.drafts.get(id);
    return draft === null ? null : (await telling(call))(draft);
  };

  return {
    show,
    telling,
    told: async (id, call) => (await telling(call))(await read(id)),
    compose,
    save,
    recall,
    refuseSecrets,
    requireTask,
    requireApprovable,
    waiting,
  };
}

const decided = (draft: DraftRecord) =>
  new GimoError(
    'conflict_state',
    draft.status === 'error'
      ? 'This draft failed when it was generated (state: error), so it can only be read. Generate a new one.'
      : `This draft is already ${draft.status}, and that is final. Make a new draft instead.`,
  );

const taskUnknown = () =>
  validationError(
    ['body', 'plan_task_id'],
    'The plan has no task with this id. Read the plan and use the id of a task, or leave "plan_task_id" out.',
  );
