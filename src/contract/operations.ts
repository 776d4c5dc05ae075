import { z } from 'zod';
import { op, type Pending, type RefusalStatus } from './operation.ts';
import {
  Approved,
  Context,
  DraftRecord,
  DraftStatus,
  Plan,
  ResolvedProvider,
  RunRecord,
  Steps,
  Warning,
} from './records.ts';
import { openApiRows } from './rows/openapi.ts';
import { repositoryRows } from './rows/repository.ts';
import { runRows } from './rows/runs.ts';
import { securityRows } from './rows/security.ts';
import { settingsRows } from './rows/settings.ts';
import { Id, idempotent, page } from './rows/shared.ts';
import { upkeepRows } from './rows/upkeep.ts';

/* What a summary leaves out. */
const long = { content: true, context: true, steps: true } as const;
const truncated = { prompt_truncated: z.boolean().optional() };

/** A draft as callers see it. While it waits, `provider_resolved` is what its digest names. */
export const Draft = DraftRecord.extend({
  provider_resolved: ResolvedProvider.nullable().default(null),
});
export type Draft = z.infer<typeof Draft>;
export const DraftListItem = Draft.partial(long).extend(truncated);
export const ApprovedListItem = Approved.partial(long).extend(truncated);
export type DraftListItem = z.infer<typeof DraftListItem>;
export type ApprovedListItem = z.infer<typeof ApprovedListItem>;

/* The task of the plan that a draft is for; the plan has to have it. */
const PlanTaskId = z.string().max(128).nullable().optional();

const draftFields = {
  prompt: z.string().min(1),
  context: Context.optional(),
  content: z.string().nullable().optional(),
  steps: Steps.nullable().optional(),
};

export const ops = {
  getStatus: op({
    method: 'get',
    path: '/status',
    role: 'actions',
    input: z.object({}),
    output: z.looseObject({
      version: z.string(),
      uptime_seconds: z.number(),
      pid: z.int(),
      data_dir: z.string(),
      epoch: z.int(),
      panic_mode: z.boolean(),
      drafts: z.record(z.string(), z.int()),
      approved: z.int(),
      runs: z.record(z.string(), z.int()),
      quarantined: z.array(z.object({ file: z.string(), reason: z.string() })),
      provider: z.string().nullable(),
      /** How many of the settings in the workspace were changed outside, and wait for a person. */
      changes: z.int().default(0),
    }),
    status: 200,
    summary: 'Tells how the server is, and counts what waits.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  listDrafts: op({
    method: 'get',
    path: '/ops/drafts',
    role: 'actions',
    input: z.object({ ...page, status: z.array(DraftStatus).optional() }),
    output: z.array(DraftListItem),
    status: 200,
    summary: 'Lists drafts, newest first.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getDraft: op({
    method: 'get',
    path: '/ops/drafts/{draft_id}',
    role: 'actions',
    input: z.object({ draft_id: Id }),
    output: Draft,
    status: 200,
    etag: true,
    summary: 'Reads one draft, with the digest that an approval has to name.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  reviewDraft: op({
    method: 'get',
    path: '/ops/drafts/{draft_id}/review',
    role: 'operator',
    input: z.object({ draft_id: Id }),
    output: z.object({
      digest: z
        .string()
        .nullable()
        .describe('The digest of the draft that was compared: approve no other than this.'),
      warnings: z
        .array(Warning)
        .describe('What to look at before a yes; empty for a draft that is final.'),
    }),
    status: 200,
    summary:
      'Compares a draft with the workspace as it is now, and tells what to look at before a yes.',
    description:
      'Warns of files that have changed since, of paths that a step would refuse or that change how tools and agents behave, of unsaved editors, programs that are not allowed, and of what looks like a secret. It changes nothing; what the caller may not read is not told.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  createDraft: op({
    method: 'post',
    path: '/ops/drafts',
    role: 'admin',
    agent: true,
    input: z.object({
      ...draftFields,
      plan_task_id: PlanTaskId,
      ...idempotent,
    }),
    output: Draft,
    status: 201,
    etag: true,
    summary: 'Proposes work. Nothing runs until a person approves it.',
    effect: 'mutation',
    creates: true,
    actions: true,
    mcp: true,
  }),
  editDraft: op({
    method: 'put',
    path: '/ops/drafts/{draft_id}',
    role: 'admin',
    input: z.object({
      draft_id: Id,
      ...draftFields,
      prompt: draftFields.prompt.optional(),
    }),
    output: Draft,
    status: 200,
    etag: true,
    ifMatch: true,
    refusals: [409],
    summary: 'Changes a draft that still waits; a field left out keeps its value.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  rejectDraft: op({
    method: 'post',
    path: '/ops/drafts/{draft_id}/reject',
    role: 'admin',
    input: z.object({ draft_id: Id, reason: z.string().max(10_000).nullable().optional() }),
    output: Draft,
    status: 200,
    etag: true,
    ifMatch: true,
    refusals: [409],
    summary: 'Says no to a draft, for good, with a reason if there is one.',
    effect: 'mutation',
    inLockdown: true,
    actions: false,
    mcp: false,
  }),
  approveDraft: op({
    method: 'post',
    path: '/ops/drafts/{draft_id}/approve',
    role: 'operator',
    input: z.object({
      draft_id: Id,
      auto_run: z.boolean().optional(),
      digest: z.string().optional(),
      shown_digest: z.string().optional(),
      ...idempotent,
    }),
    query: ['auto_run', 'digest', 'shown_digest'],
    output: z.object({
      approved: Approved,
      run: RunRecord.nullable(),
      run_error: z.string().optional(),
    }),
    status: 200,
    asks: true,
    ifMatch: true,
    refusals: [409, 428],
    summary: 'Approves exactly the content that the digest names, and runs it if asked to.',
    effect: 'mutation',
    creates: true,
    actions: true,
    mcp: false,
  }),
  listApproved: op({
    method: 'get',
    path: '/ops/approved',
    role: 'actions',
    input: z.object(page),
    output: z.array(ApprovedListItem),
    status: 200,
    summary: 'Lists approved artifacts, newest first.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getApproved: op({
    method: 'get',
    path: '/ops/approved/{approved_id}',
    role: 'actions',
    input: z.object({ approved_id: Id }),
    output: Approved,
    status: 200,
    etag: true,
    summary: 'Reads one approved artifact, and whether it may run.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  redraft: op({
    method: 'post',
    path: '/ops/approved/{approved_id}/redraft',
    role: 'admin',
    input: z.object({ approved_id: Id, ...idempotent }),
    output: Draft,
    status: 201,
    etag: true,
    summary: 'Makes a new draft with the content of an artifact, so that it can be approved again.',
    effect: 'mutation',
    creates: true,
    actions: false,
    mcp: false,
  }),
  getPlan: op({
    method: 'get',
    path: '/ops/plan',
    role: 'actions',
    input: z.object({}),
    output: Plan,
    status: 200,
    etag: true,
    refusals: [404],
    summary: 'Reads the plan.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  setPlan: op({
    method: 'put',
    path: '/ops/plan',
    role: 'admin',
    input: Plan,
    output: z.object({ status: z.literal('ok') }),
    status: 200,
    summary: 'Sets the plan.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  generateDraft: op({
    method: 'post',
    path: '/ops/generate',
    role: 'admin',
    agent: true,
    input: z.object({
      prompt: z.string().min(1).max(8000),
      context: Context.optional(),
      steps: z.boolean().optional(),
      plan_task_id: PlanTaskId,
      ...idempotent,
    }),
    query: ['prompt'],
    output: Draft,
    status: 201,
    etag: true,
    summary: 'Asks the active provider for a proposal, and keeps its answer as a draft.',
    effect: 'mutation',
    creates: true,
    actions: false,
    mcp: true,
  }),
  ...runRows,
  ...settingsRows,
  ...upkeepRows,
  ...securityRows,
  ...repositoryRows,
  ...openApiRows,
};

export type OpId = keyof typeof ops;
/** What a caller of an operation gives. */
export type Args = { [K in OpId]: z.input<(typeof ops)[K]['input']> };
/** What a handler gets: the input with defaults filled in. */
export type In = { [K in OpId]: z.output<(typeof ops)[K]['input']> };
/** What an operation answers once it is done. */
export type Done = { [K in OpId]: z.output<(typeof ops)[K]['output']> };
export type Out = {
  [K in OpId]: Done[K] | (true extends (typeof ops)[K]['asks'] ? Pending : never);
};

/** A row of the table, seen without its path type. */
export interface Operation<K extends OpId = OpId> {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly role: 'actions' | 'operator' | 'admin';
  readonly agent?: true;
  readonly input: z.ZodObject & z.ZodType<In[K], Args[K]>;
  readonly query?: readonly string[];
  readonly output: z.ZodType<Done[K]>;
  readonly status: 200 | 201;
  readonly summary: string;
  readonly description?: string;
  readonly effect: 'read' | 'mutation' | 'brake';
  readonly inLockdown?: true;
  readonly creates?: true;
  readonly etag?: true;
  readonly asks?: true;
  readonly text?: true;
  readonly ifMatch?: true;
  readonly refusals?: readonly RefusalStatus[];
  readonly actions: boolean;
  readonly mcp: boolean;
}

export const table: { readonly [K in OpId]: Operation<K> } = ops;

export const opIds = Object.keys(ops) as readonly OpId[];
