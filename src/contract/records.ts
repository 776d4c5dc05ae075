import { z } from 'zod';

/*
 * The records as they stand on disk and on the wire. Field names are those of the Python service, so that its
 * directory opens unchanged: what it did not know has a default here, and unknown fields survive (loose objects).
 * No transforms and no coercion: these must turn into JSON Schema.
 */

export const idPattern = {
  draft: /^d_\d{1,16}_[0-9a-f]{6,64}$/,
  approved: /^a_\d{1,16}_[0-9a-f]{6,64}$/,
  run: /^r_\d{1,16}_[0-9a-f]{6,64}$/,
} as const;
export type RecordKind = keyof typeof idPattern;

const Hex256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Names an attempt to create something; visible ASCII, so that a header can carry it. */
export const IdempotencyKey = z.string().regex(/^[!-~](?:[ -~]{0,253}[!-~])?$/);

export const PromptStep = z.strictObject({
  id: z.string().min(1).max(64),
  kind: z.literal('prompt'),
  title: z.string().max(200).optional(),
  text: z.string().min(1),
});
export const EditStep = z.strictObject({
  id: z.string().min(1).max(64),
  kind: z.literal('edit'),
  title: z.string().max(200).optional(),
  changes: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(4096),
        /**
         * Null: there is to be no file. Left out of answers to callers who may not approve where clients may not read the
         * file; `digest` is null in those.
         */
        base_sha256: Hex256.nullable().optional(),
        text: z.string().nullable(),
      }),
    )
    .min(1)
    .max(500),
});
export const CommandStep = z.strictObject({
  id: z.string().min(1).max(64),
  kind: z.literal('command'),
  title: z.string().max(200).optional(),
  argv: z.array(z.string()).min(1).max(1000),
  cwd: z.string().max(4096).optional(),
  timeout_s: z.int().min(1).max(86_400).optional(),
});
export const GateStep = z.strictObject({
  id: z.string().min(1).max(64),
  kind: z.literal('gate'),
  title: z.string().max(200).optional(),
});
export const Step = z.discriminatedUnion('kind', [PromptStep, EditStep, CommandStep, GateStep]);
export type Step = z.infer<typeof Step>;
export type PromptStep = z.infer<typeof PromptStep>;
export type EditStep = z.infer<typeof EditStep>;
export type CommandStep = z.infer<typeof CommandStep>;
export type StepKind = Step['kind'];
export const Steps = z.array(Step).min(1).max(100);

export const providerTypes = ['openai_compat', 'anthropic', 'gemini', 'editor', 'offline'] as const;
export const ProviderType = z.enum(providerTypes);
export type ProviderType = z.infer<typeof ProviderType>;

/** The provider that an approval names: exactly this one may be asked. `origin` is null where nothing is sent. */
export const ResolvedProvider = z.object({
  name: z.string(),
  type: ProviderType,
  origin: z.string().nullable(),
  model: z.string(),
});
export type ResolvedProvider = z.infer<typeof ResolvedProvider>;

export const Context = z.record(z.string(), z.unknown());

export const draftStatuses = ['draft', 'rejected', 'approved', 'error'] as const;
export const DraftStatus = z.enum(draftStatuses);
const draftSources = ['api', 'editor', 'cli', 'mcp', 'generate'] as const;
export const DraftSource = z.enum(draftSources);
export type DraftSource = z.infer<typeof DraftSource>;

/** What a person should look at before they say yes. */
export const Warning = z.object({
  code: z
    .enum([
      ...(['base_changed', 'path_refused', 'sensitive_path', 'unsaved', 'placeholder'] as const),
      ...(['command_refused', 'secret'] as const),
    ])
    .describe(
      [
        '`base_changed`: the file is not the one that the change was made from.',
        '`path_refused`: an edit step would refuse it.',
        '`sensitive_path`: what lies there changes how tools or agents behave.',
        '`unsaved`: open in an editor with changes that are not saved.',
        '`placeholder`: the text holds what a redaction left.',
        '`command_refused`: the program is not on the allowlist.',
        '`secret`: looks like a key or a token.',
      ].join(' '),
    ),
  step: z.string().nullable().describe('The id of the step; null for the draft itself.'),
  path: z.string().nullable(),
  message: z.string().describe('A sentence or two: what it is, and what to do.'),
});
export type Warning = z.infer<typeof Warning>;

/** A draft as it stands on disk. */
export const DraftRecord = z.looseObject({
  id: z.string(),
  prompt: z.string(),
  context: Context.default({}),
  provider: z.string().nullable().default(null),
  content: z.string().nullable().default(null),
  status: DraftStatus,
  error: z.string().nullable().default(null),
  created_at: z.string(),
  steps: Steps.nullable().default(null),
  digest: z.string().nullable().default(null),
  updated_at: z.string().nullable().default(null),
  reject_reason: z.string().nullable().default(null),
  approved_id: z.string().nullable().default(null),
  created_by: z.string().nullable().default(null),
  source: DraftSource.nullable().default(null),
  plan_task_id: z.string().nullable().default(null),
});
export type DraftRecord = z.infer<typeof DraftRecord>;

/** An approved artifact as it stands on disk. Without a `seal` it came from the Python service and cannot run. */
export const ApprovedRecord = z.looseObject({
  id: z.string(),
  draft_id: z.string(),
  prompt: z.string(),
  provider: z.string().nullable().default(null),
  content: z.string().default(''),
  approved_at: z.string(),
  approved_by: z.string(),
  steps: Steps.nullable().default(null),
  context: Context.default({}),
  provider_resolved: ResolvedProvider.nullable().default(null),
  digest: z.string().nullable().default(null),
  seal: z.string().nullable().default(null),
  key_id: z.string().nullable().default(null),
  shown_digest: z.string().nullable().default(null),
  expires_at: z.string().nullable().default(null),
  consumed_by: z.string().nullable().default(null),
});
export type ApprovedRecord = z.infer<typeof ApprovedRecord>;

/** What the server adds to an artifact when it is read: whether a run may be made of it now, and if not why. */
export const Approved = ApprovedRecord.extend({
  runnable: z.boolean(),
  blocked_reason: z.string().nullable(),
});
export type Approved = z.infer<typeof Approved>;

export const runStatuses = ['pending', 'running', 'paused', 'done', 'error', 'cancelled'] as const;
export const RunStatus = z.enum(runStatuses);
export type RunStatus = z.infer<typeof RunStatus>;

export const LogEntry = z.looseObject({
  ts: z.string(),
  level: z.string(),
  msg: z.string(),
  step: z.string().optional(),
});
export type LogEntry = z.infer<typeof LogEntry>;

export const stepStatuses = ['waiting', 'running', 'done', 'error', 'skipped'] as const;
/**
 * A step of a run. `result` depends on the kind: {@link PromptResult}, {@link EditResult}, {@link CommandResult} or
 * {@link GateResult}. A gate that waits is `running`, and its run `paused`.
 */
export const RunStep = z.looseObject({
  id: z.string(),
  kind: z.enum(['prompt', 'edit', 'command', 'gate']),
  title: z.string().optional(),
  status: z.enum(stepStatuses),
  started_at: z.string().nullable().default(null),
  finished_at: z.string().nullable().default(null),
  result: z.unknown().default(null),
});
export type RunStep = z.infer<typeof RunStep>;

export const Usage = z.object({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;
/** What a prompt step leaves behind: the whole answer, and the token counts if the provider told them. */
export const PromptResult = z.object({ text: z.string(), usage: Usage.nullable() });
export type PromptResult = z.infer<typeof PromptResult>;

/** What an edit step leaves behind: what became of each file, and SHA-256 of what stands there now (null: deleted). */
export const EditResult = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      did: z.enum(['created', 'changed', 'deleted']),
      sha256: z.string().nullable(),
    }),
  ),
});
export type EditResult = z.infer<typeof EditResult>;
/** What a command leaves behind. Its output stands in the log, up to a cap. */
export const CommandResult = z.object({
  /** Null if a signal ended it. */
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  duration_ms: z.int().nonnegative(),
  /** All that it wrote, in bytes. */
  output_bytes: z.int().nonnegative(),
  /** Whether a part of it was left out of the log. */
  output_cut: z.boolean(),
});
export type CommandResult = z.infer<typeof CommandResult>;
/** What a gate leaves behind: who let the run go on. */
export const GateResult = z.object({ continued_by: z.string() });
export type GateResult = z.infer<typeof GateResult>;

/** A run, on disk and on the wire. While it is live, the file's `log` is empty and the lines stand beside it. */
export const RunRecord = z.looseObject({
  id: z.string(),
  approved_id: z.string(),
  status: RunStatus,
  log: z.array(LogEntry).default([]),
  started_at: z.string().nullable().default(null),
  created_at: z.string(),
  finished_at: z.string().nullable().default(null),
  error: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Why a run ended in `error`; beside `cancelled`, what stopping it left for a person to know. Otherwise null.',
    ),
  steps: z.array(RunStep).default([]),
  actor: z.string().nullable().default(null),
  attempt: z.int().nonnegative().default(0),
  undone_at: z
    .string()
    .optional()
    .describe(
      'When its changes of files were undone; left out if they were not, or if something of them had to be left.',
    ),
});
export type RunRecord = z.infer<typeof RunRecord>;

export const PlanTask = z.object({
  id: z.string().min(1).max(128),
  title: z.string(),
  scope: z.string(),
  depends: z.array(z.string()).default([]),
  status: z.enum(['pending', 'in_progress', 'done', 'blocked']).default('pending'),
  description: z.string(),
});
export const Plan = z.object({
  id: z.string(),
  title: z.string(),
  workspace: z.string(),
  created: z.string(),
  objective: z.string(),
  tasks: z.array(PlanTask).max(10_000).default([]),
  constraints: z.array(z.string()).default([]),
});
export type Plan = z.infer<typeof Plan>;

const approvalChannels = ['auto', 'editor', 'any'] as const;
/** The configuration. Strict: a typo in a security setting must not pass silently. */
export const Config = z.strictObject({
  default_auto_run: z.boolean(),
  /** Days; 0 keeps rejected and failed drafts for ever. */
  draft_cleanup_ttl_days: z.int().min(0).max(36_500),
  max_concurrent_runs: z.int().min(1).max(64),
  operator_can_generate: z.boolean(),
  run_ttl_hours: z.int().min(1).max(876_000),
  /** Seconds of `running`. */
  run_timeout_s: z.int().min(1).max(604_800),
  /** Minutes; 0 means that an approval does not expire. */
  approval_ttl_minutes: z.int().min(0).max(5_256_000),
  approval_channel: z.enum(approvalChannels),
  require_reason_on_reject: z.boolean(),
  command_allowlist: z
    .array(
      z.strictObject({
        program: z.string().min(1).max(4096),
        args_prefix: z.array(z.string()).max(100),
      }),
    )
    .max(1000),
});
export type Config = z.infer<typeof Config>;
export const ConfigPatch = Config.partial();

/** What holds until a person has accepted something else. */
export const defaultConfig: Config = {
  default_auto_run: false,
  draft_cleanup_ttl_days: 7,
  max_concurrent_runs: 3,
  operator_can_generate: false,
  run_ttl_hours: 24,
  run_timeout_s: 300,
  approval_ttl_minutes: 0,
  approval_channel: 'auto',
  require_reason_on_reject: false,
  command_allowlist: [],
};

export const ProviderName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
export const ProviderEntry = z.strictObject({
  type: ProviderType,
  base_url: z.string().max(2048).optional(),
  api_key: z.string().max(8192).nullable().optional(),
  model: z.string().max(256),
});
export type ProviderEntry = z.infer<typeof ProviderEntry>;
export const ProviderConfig = z.strictObject({
  active: z.string().max(64),
  providers: z.record(ProviderName, ProviderEntry),
});
export type ProviderConfig = z.infer<typeof ProviderConfig>;
