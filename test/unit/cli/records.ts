/** Records as they come over the wire. */
export const draftId = 'd_1795403040476_dfbc34';
export const approvedId = 'a_1795403040663_eded5f';
export const runId = 'r_1795403041827_bd91d9';
export const digest = 'ab'.repeat(32);

export const draft = (fields: Record<string, unknown> = {}) => ({
  id: draftId,
  prompt: 'Raise the timeout',
  context: { ticket: 7 },
  provider: 'local_ollama',
  content: 'line one\nline two',
  status: 'draft',
  error: null,
  created_at: '2026-11-23T11:57:00Z',
  steps: null,
  digest,
  updated_at: null,
  reject_reason: null,
  approved_id: null,
  created_by: 'admin:0123456789ab',
  source: 'api',
  plan_task_id: null,
  provider_resolved: {
    name: 'local_ollama',
    type: 'openai_compat',
    origin: 'http://localhost:11434',
    model: 'qwen2.5-coder:7b',
  },
  ...fields,
});

export const approved = (fields: Record<string, unknown> = {}) => ({
  id: approvedId,
  draft_id: draftId,
  prompt: 'Raise the timeout',
  approved_at: '2026-11-23T12:00:00Z',
  approved_by: 'operator:0123456789ab',
  runnable: true,
  blocked_reason: null,
  ...fields,
});

export const run = (fields: Record<string, unknown> = {}) => ({
  id: runId,
  approved_id: approvedId,
  status: 'pending',
  created_at: '2026-11-23T11:59:55Z',
  ...fields,
});

export const entry = (msg: string) => ({ ts: '2026-11-23T12:00:01Z', level: 'info', msg });

/** A server in lockdown, with a quarantined record. */
export const status = {
  version: '0.1.0',
  uptime_seconds: 12.5,
  pid: 4711,
  data_dir: '/w/.orch_data',
  epoch: 3,
  panic_mode: true,
  drafts: { draft: 2, error: 0 },
  approved: 1,
  runs: {},
  quarantined: [{ file: 'd_1.json', reason: 'torn\u001b[2J' }],
  provider: 'offline',
};
