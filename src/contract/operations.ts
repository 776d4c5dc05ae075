import { z } from 'zod';
import { op, type RefusalStatus } from './operation.ts';
import {
  Approved,
  Config,
  ConfigPatch,
  Context,
  DraftRecord,
  DraftStatus,
  IdempotencyKey,
  LogEntry,
  Plan,
  ProviderConfig,
  ResolvedProvider,
  RunRecord,
  RunStatus,
  Steps,
} from './records.ts';
import { openApiRows } from './rows/openapi.ts';
import { repositoryRows } from './rows/repository.ts';
import { securityRows } from './rows/security.ts';
import { upkeepRows } from './rows/upkeep.ts';

/* An id is a plain string here: whether it has the right form is asked by a precondition, and answered with 404. */
const Id = z.string();
const page = {
  limit: z.int().min(1).max(1000).default(1000),
  cursor: z.string().max(200).optional(),
  view: z.enum(['full', 'summary']).default('full'),
};
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
export const RunListItem = RunRecord.partial({ log: true, steps: true });
export type DraftListItem = z.infer<typeof DraftListItem>;
export type ApprovedListItem = z.infer<typeof ApprovedListItem>;
export type RunListItem = z.infer<typeof RunListItem>;

/* What every operation that creates may be given; the `Idempotency-Key` header says the same. */
const idempotent = { idempotency_key: IdempotencyKey.nullable().optional() };

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
  createDraft: op({
    method: 'post',
    path: '/ops/drafts',
    role: 'admin',
    agent: true,
    input: z.object({
      ...draftFields,
      plan_task_id: z.string().max(128).nullable().optional(),
      ...idempotent,
    }),
    output: Draft,
    status: 201,
    etag: true,
    summary: 'Proposes work. Nothing runs until a person approves it.',
    effect: 'mutation',
    creates: true,
    actions: false,
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
    ifMatch: true,
    refusals: [409],
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
  listRuns: op({
    method: 'get',
    path: '/ops/runs',
    role: 'actions',
    input: z.object({ ...page, status: z.array(RunStatus).optional() }),
    output: z.array(RunListItem),
    status: 200,
    summary: 'Lists runs, newest first.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getRun: op({
    method: 'get',
    path: '/ops/runs/{run_id}',
    role: 'actions',
    input: z.object({ run_id: Id }),
    output: RunRecord,
    status: 200,
    etag: true,
    summary: 'Reads one run with its steps and its whole log.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  getRunLog: op({
    method: 'get',
    path: '/ops/runs/{run_id}/log',
    role: 'actions',
    input: z.object({ run_id: Id, after: z.int().min(0).default(0) }),
    output: z.object({ entries: z.array(LogEntry), next: z.int(), done: z.boolean() }),
    status: 200,
    summary: 'Reads the log of a run after the entries that the caller already has.',
    effect: 'read',
    actions: true,
    mcp: true,
  }),
  createRun: op({
    method: 'post',
    path: '/ops/runs',
    role: 'operator',
    input: z.object({ approved_id: Id, ...idempotent }),
    output: RunRecord,
    status: 201,
    etag: true,
    refusals: [404, 409],
    summary: 'Runs an approved artifact.',
    effect: 'mutation',
    creates: true,
    actions: true,
    mcp: true,
  }),
  cancelRun: op({
    method: 'post',
    path: '/ops/runs/{run_id}/cancel',
    role: 'operator',
    input: z.object({ run_id: Id }),
    output: RunRecord,
    status: 200,
    etag: true,
    refusals: [409],
    summary: 'Stops a run: a pending one at once, a running one as soon as its work has stopped.',
    effect: 'brake',
    inLockdown: true,
    actions: true,
    mcp: true,
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
  getConfig: op({
    method: 'get',
    path: '/ops/config',
    role: 'operator',
    input: z.object({}),
    output: Config,
    status: 200,
    etag: true,
    summary: 'Reads the configuration that is in force.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  setConfig: op({
    method: 'put',
    path: '/ops/config',
    role: 'admin',
    input: ConfigPatch,
    output: Config,
    status: 200,
    etag: true,
    refusals: [409],
    summary: 'Changes the configuration; a field left out keeps its value.',
    effect: 'mutation',
    actions: false,
    mcp: false,
  }),
  getProvider: op({
    method: 'get',
    path: '/ops/provider',
    role: 'admin',
    input: z.object({}),
    output: ProviderConfig,
    status: 200,
    etag: true,
    summary: 'Reads the model providers, without their keys.',
    effect: 'read',
    actions: false,
    mcp: false,
  }),
  setProvider: op({
    method: 'put',
    path: '/ops/provider',
    role: 'admin',
    input: ProviderConfig,
    output: ProviderConfig,
    status: 200,
    etag: true,
    summary: 'Sets the model providers; keys are moved into the secret store.',
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
export type Out = { [K in OpId]: z.output<(typeof ops)[K]['output']> };

/** A row of the table, seen without its path type. */
export interface Operation<K extends OpId = OpId> {
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly role: 'actions' | 'operator' | 'admin';
  readonly agent?: true;
  readonly input: z.ZodObject & z.ZodType<In[K], Args[K]>;
  readonly query?: readonly string[];
  readonly output: z.ZodType<Out[K]>;
  readonly status: 200 | 201;
  readonly summary: string;
  readonly effect: 'read' | 'mutation' | 'brake';
  readonly inLockdown?: true;
  readonly creates?: true;
  readonly etag?: true;
  readonly text?: true;
  readonly ifMatch?: true;
  readonly refusals?: readonly RefusalStatus[];
  readonly actions: boolean;
  readonly mcp: boolean;
}

export const table: { readonly [K in OpId]: Operation<K> } = ops;

export const opIds = Object.keys(ops) as readonly OpId[];
