import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { OpId } from '../src/contract/operations.ts';

/** How an operation is called in the reference. The answers to these were recorded, see test/api/docs/api.test.ts. */
export interface Example {
  /** With the query. */
  path: string;
  /** The JSON body, as it is written there. */
  body?: string;
}

const draft = 'd_1795403040476_dfbc34';
const approved = 'a_1795403040663_eded5f';
const run = 'r_1795403041827_bd91d9';
const page = 'limit=1&view=summary';

const plan = `{
  "id": "health", "title": "Health checks", "workspace": ".", "created": "2026-01-01T00:00:00Z",
  "objective": "Every service says how it is",
  "tasks": [{ "id": "api", "title": "Check of the API", "scope": "src", "description": "Add GET /health" }]
}`;
const steps = `{
  "prompt": "Welcome the reader",
  "steps": [
    { "id": "write", "kind": "edit", "changes": [{ "path": "docs/hello.md", "text": "# Hello\\n" }] },
    { "id": "look", "kind": "gate", "title": "Does it read well?" }
  ]
}`;
const provider = `{
  "active": "offline",
  "providers": {
    "offline": { "type": "offline", "model": "offline" },
    "mine": { "type": "openai_compat", "base_url": "https://models.example/v1", "model": "m", "api_key": "the key, told once" }
  }
}`;

/** One call of every operation. */
export const examples: { readonly [K in OpId]: Example } = {
  getStatus: { path: '/status' },
  listDrafts: { path: `/ops/drafts?status=draft&${page}` },
  getDraft: { path: `/ops/drafts/${draft}` },
  reviewDraft: { path: `/ops/drafts/${draft}/review` },
  createDraft: { path: '/ops/drafts', body: steps },
  editDraft: { path: `/ops/drafts/${draft}`, body: '{ "prompt": "Welcome every reader" }' },
  rejectDraft: { path: `/ops/drafts/${draft}/reject`, body: '{ "reason": "Too broad" }' },
  approveDraft: {
    path: `/ops/drafts/${draft}/approve?auto_run=true`,
    body: '{ "digest": "36e86145201fafeae9f8e9ae1a100f67bfab15cc74c982ffe7e45fb4b304da18", "idempotency_key": "yes-1" }',
  },
  listApproved: { path: `/ops/approved?${page}` },
  getApproved: { path: `/ops/approved/${approved}` },
  redraft: { path: `/ops/approved/${approved}/redraft` },
  getPlan: { path: '/ops/plan' },
  setPlan: { path: '/ops/plan', body: plan },
  generateDraft: { path: '/ops/generate', body: '{ "prompt": "Tell how the tests are started" }' },
  listRuns: { path: `/ops/runs?status=done&${page}` },
  getRun: { path: `/ops/runs/${run}` },
  getRunLog: { path: `/ops/runs/${run}/log?after=1` },
  createRun: { path: '/ops/runs', body: `{ "approved_id": "${approved}" }` },
  cancelRun: { path: `/ops/runs/${run}/cancel` },
  pauseRun: { path: `/ops/runs/${run}/pause` },
  resumeRun: { path: `/ops/runs/${run}/resume?step=look` },
  undoRun: { path: `/ops/runs/${run}/undo` },
  getConfig: { path: '/ops/config' },
  setConfig: { path: '/ops/config', body: '{ "max_concurrent_runs": 2, "run_timeout_s": 600 }' },
  getProvider: { path: '/ops/provider' },
  setProvider: { path: '/ops/provider', body: provider },
  checkProvider: { path: '/ops/provider/check' },
  listChanges: { path: '/ops/changes' },
  acceptChange: { path: '/ops/changes/config/accept' },
  restoreChange: { path: '/ops/changes/config/restore' },
  getUiStatus: { path: '/ui/status' },
  getUiAudit: { path: '/ui/audit?limit=10' },
  getSecurityEvents: { path: '/ui/security/events' },
  resolveSecurity: { path: '/ui/security/resolve?action=clear_panic' },
  lockDown: { path: '/ui/security/lockdown', body: '{ "reason": "A token leaked" }' },
  getServiceStatus: { path: '/ui/service/status' },
  restartService: { path: '/ui/service/restart' },
  stopService: { path: '/ui/service/stop' },
  rotateToken: { path: '/ops/tokens/agent/rotate' },
  listAudit: { path: '/ops/audit?after=0&limit=1' },
  verifyAudit: { path: '/ops/audit/verify' },
  readTree: { path: '/tree?path=src&max_depth=1' },
  readFile: { path: '/file?path=package.json&start_line=1&end_line=4' },
  search: { path: '/search?q=roundCents&ext=ts' },
  readDiff: { path: '/diff?base=HEAD~1&head=HEAD&stat=true' },
  listRepos: { path: '/ui/repos' },
  getActiveRepo: { path: '/ui/repos/active' },
  openRepo: { path: '/ui/repos/open?path=.' },
  selectRepo: { path: '/ui/repos/select?path=.' },
  vitaminizeRepo: { path: '/ui/repos/vitaminize?path=.' },
  getAllowlist: { path: '/ui/allowlist' },
  setAllowlist: {
    path: '/ui/allowlist',
    body: '{ "paths": [{ "path": "src", "expires_at": "2030-01-01T00:00:00Z" }, { "path": "package.json" }] }',
  },
  getOpenApi: { path: '/ops/openapi.json?for=actions' },
};

/** Where the recorded answers lie, each in a line of JSON. */
export const answersFile = new URL('./api-answers.jsonl', import.meta.url);

const Answer = z.object({ operation: z.string(), answer: z.unknown() });
export type Answer = z.infer<typeof Answer>;

/** What each operation answered when it was recorded: JSON, or a text. */
export const readAnswers = (): ReadonlyMap<string, unknown> =>
  new Map(
    readFileSync(answersFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Answer.parse(JSON.parse(line)))
      .map(({ operation, answer }) => [operation, answer]),
  );
