import { asksModel } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { Draft } from '../contract/operations.ts';
import { type DraftRecord, Plan, type Step } from '../contract/records.ts';
import { normalPath } from './cover.ts';
import type { Decisions } from './decisions.ts';
import { createDigests, etagOf } from './digest.ts';
import type { Change } from './events.ts';
import type { Fill } from './fill.ts';
import type { Call, Handlers } from './handlers.ts';
import { type Ids, requireId, unknownId } from './ids.ts';
import { cutPrompt, listPage } from './lists.ts';
import type { Clock, Store } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { Settings } from './settings.ts';
import type { Withhold } from './withhold.ts';

export interface DraftPorts {
  store: Pick<Store, 'drafts' | 'plan'>;
  decisions: Decisions;
  settings: Settings;
  redactor: Redactor;
  fill: Pick<Fill, 'proposal'>;
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
  handlers: Pick<Handlers, 'listDrafts' | 'getDraft' | 'createDraft' | 'editDraft' | 'rejectDraft'>;
  /** A draft as callers see it: while it waits, its digest is that of this moment. */
  show(draft: DraftRecord): Draft;
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
  const { store, decisions, settings, redactor, fill, withhold, clock, ids } = ports;
  const digests = createDigests();
  const now = () => new Date(clock.now()).toISOString();
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
    if (!tagHolds(call.ifMatch, etagOf(show(draft))))
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
    created_at: now(),
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

  /** What a caller is told of drafts. */
  const telling = async (call: Call) => {
    const told = await withhold(call);
    return (record: DraftRecord) => told(show(record));
  };

  const recall: Drafts['recall'] = async ([id = ''], _input, call) => {
    const draft = await store.drafts.get(id);
    return draft === null ? null : (await telling(call))(draft);
  };

  return {
    show,
    compose,
    save,
    recall,
    refuseSecrets,
    requireTask,
    requireApprovable,
    waiting,
    handlers: {
      listDrafts: {
        async read(input, call) {
          const tell = await telling(call);
          const { body, page } = await listPage('draft', store.drafts, input, tell, summary);
          // Files are found by what they say; one that says that it waits is not listed there if it does not.
          const wanted = ({ status }: Pick<Draft, 'status'>) =>
            input.status?.includes(status) ?? true;
          return { body: body.filter(wanted), page };
        },
      },
      getDraft: {
        read: async ({ draft_id }, call) => ({ body: (await telling(call))(await read(draft_id)) }),
      },
      createDraft: {
        async prepare(input, call) {
          checkSteps(input.steps ?? null);
          refuseSecrets(input);
          await requireTask(input.plan_task_id);
          const steps = input.steps && (await fill.proposal(input.steps, call));
          const draft = compose({ ...input, steps }, call);
          const told = await withhold(call);
          const effect = async () => {
            const { body, changes } = await save(draft);
            return { body: told(body), changes };
          };
          return { target: draft.id, makes: [draft.id], effect };
        },
        recall,
      },
      editDraft: {
        lock: draftLock,
        async prepare({ draft_id, ...changes }, call) {
          const draft = await waiting(draft_id, call);
          checkSteps(changes.steps ?? null);
          refuseSecrets(changes);
          const steps = changes.steps && (await fill.proposal(changes.steps, call));
          const next: DraftRecord = {
            ...draft,
            prompt: changes.prompt ?? draft.prompt,
            context: changes.context ?? draft.context,
            content: changes.content === undefined ? draft.content : changes.content,
            steps: steps === undefined ? draft.steps : steps,
            updated_at: now(),
          };
          return { target: draft_id, effect: () => save(next) };
        },
      },
      rejectDraft: {
        lock: draftLock,
        async prepare({ draft_id, reason }, call) {
          const draft = await waiting(draft_id, call);
          const why = reason?.trim() ? reason : null;
          if (why === null && settings.config().require_reason_on_reject) throw reasonMissing();
          refuseSecrets(why);
          const next: DraftRecord = {
            ...draft,
            digest: show(draft).digest,
            status: 'rejected',
            reject_reason: why,
            updated_at: now(),
          };
          return { target: draft_id, effect: () => save(next) };
        },
      },
    },
  };
}

/** Whether an If-Match header allows a record with this tag (RFC 9110, section 13.1.1: strong comparison). */
function tagHolds(header: string | undefined, etag: string): boolean {
  if (header === undefined || header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim() === etag);
}

const decided = (draft: DraftRecord) =>
  new GimoError(
    'conflict_state',
    draft.status === 'error'
      ? 'This draft failed when it was generated (state: error), so it can only be read. Generate a new one.'
      : `This draft is already ${draft.status}, and that is final. Make a new draft instead.`,
  );

function taskUnknown() {
  const msg =
    'The plan has no task with this id. Read the plan and use the id of a task, or leave "plan_task_id" out.';
  return new GimoError('validation_error', msg, {
    issues: [{ type: 'value_error', loc: ['body', 'plan_task_id'], msg }],
  });
}

function reasonMissing() {
  const msg = 'This server asks for a reason with every rejection. Say why.';
  return new GimoError('validation_error', msg, {
    issues: [{ type: 'missing', loc: ['body', 'reason'], msg }],
  });
}

/** A change is approved together with what it was made from. The gate fills that in; only a file that came past it lacks it. */
function requireBases(steps: readonly Step[] | null): void {
  for (const [index, step] of (steps ?? []).entries())
    for (const [at, change] of (step.kind === 'edit' ? step.changes : []).entries()) {
      if (change.base_sha256 !== undefined) continue;
      const msg =
        'This change does not say which version of the file it was made from, so it cannot be approved. Save the draft again, or propose it anew.';
      throw new GimoError('validation_error', msg, {
        issues: [
          {
            type: 'missing',
            loc: ['body', 'steps', index, 'changes', at, 'base_sha256'],
            msg,
          },
        ],
      });
    }
}

/**
 * Checks steps beyond their schema.
 * @throws GimoError `validation_error` if two steps share an id, or a step names a file twice
 */
export function checkSteps(steps: readonly Step[] | null): void {
  const seen = new Set<string>();
  for (const [index, step] of (steps ?? []).entries()) {
    if (seen.has(step.id))
      throw repeated([index, 'id'], 'Two steps have the same id. Give each its own.');
    seen.add(step.id);
    const paths = new Set<string>();
    for (const [at, { path }] of (step.kind === 'edit' ? step.changes : []).entries()) {
      if (paths.has(normalPath(path)))
        throw repeated(
          [index, 'changes', at, 'path'],
          'A step changes the same file twice. Make one change of the two.',
        );
      paths.add(normalPath(path));
    }
  }
}

const repeated = (loc: (string | number)[], msg: string) =>
  new GimoError('validation_error', msg, {
    issues: [{ type: 'duplicate', loc: ['body', 'steps', ...loc], msg }],
  });

const summary = ({ content: _content, context: _context, steps: _steps, ...rest }: Draft) =>
  cutPrompt(rest);
