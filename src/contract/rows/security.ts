import { z } from 'zod';
import { op } from '../operation.ts';

/* Who watches, and who pulls the brake: the audit, the lockdown, the tokens, the server itself. */

/**
 * How far the server is locked: `open`; `strangers` when callers without a valid token are turned away; `all` when
 * valid ones may do no more than look and stop things, either.
 */
export const LockLevel = z.enum(['open', 'strangers', 'all']);
export type LockLevel = z.infer<typeof LockLevel>;

/** Something that locked the server or opened it again. Nothing of a token or a request stands in it. */
export const SecurityEvent = z.object({
  ts: z.string(),
  type: z.enum(['invalid_tokens', 'unhandled_errors', 'lockdown', 'state_unreadable', 'cleared']),
  /** What holds since then. */
  level: LockLevel,
  actor: z.string(),
  correlation_id: z.string(),
  reason: z.string().nullable(),
});
export type SecurityEvent = z.infer<typeof SecurityEvent>;

/** An entry of the audit chain, as it stands in its file. */
export const AuditEntry = z.looseObject({
  seq: z.int(),
  ts: z.string(),
  correlation_id: z.string(),
  actor: z.string(),
  operation: z.string(),
  target: z.string().nullable(),
  /** `intent`, `done`, or the code of the error that ended the act. */
  outcome: z.string(),
  request: z.string().nullable(),
  mac: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const verdicts = ['whole', 'modified', 'truncated', 'unwitnessed'] as const;

const silent = { actions: false, mcp: false } as const;

export const securityRows = {
  getUiStatus: op({
    method: 'get',
    path: '/ui/status',
    role: 'actions',
    input: z.object({}),
    output: z.object({
      version: z.string(),
      uptime_seconds: z.number(),
      allowlist_count: z.int(),
      last_audit_line: z.string().nullable(),
      service_status: z.literal('RUNNING'),
    }),
    status: 200,
    summary: 'Tells in short how the server is; the last line of the audit from operator on.',
    effect: 'read',
    ...silent,
  }),
  getUiAudit: op({
    method: 'get',
    path: '/ui/audit',
    role: 'operator',
    input: z.object({ limit: z.int().min(10).max(500).default(200) }),
    output: z.object({ lines: z.array(z.string()) }),
    status: 200,
    summary: 'Reads the last lines of the audit, the newest last.',
    effect: 'read',
    ...silent,
  }),
  getSecurityEvents: op({
    method: 'get',
    path: '/ui/security/events',
    role: 'operator',
    input: z.object({}),
    output: z.object({
      panic_mode: z.boolean(),
      level: LockLevel,
      events: z.array(SecurityEvent),
    }),
    status: 200,
    summary:
      'Tells whether the server is locked down, and what locked and opened it, the newest last.',
    effect: 'read',
    ...silent,
  }),
  resolveSecurity: op({
    method: 'post',
    path: '/ui/security/resolve',
    role: 'operator',
    input: z.object({ action: z.string().max(64) }),
    query: ['action'],
    output: z.object({ status: z.literal('panic cleared') }),
    status: 200,
    refusals: [400],
    summary: 'Ends a lockdown: what was approved may run again. The action is clear_panic.',
    effect: 'mutation',
    inLockdown: true,
    ...silent,
  }),
  lockDown: op({
    method: 'post',
    path: '/ui/security/lockdown',
    role: 'operator',
    input: z.object({ reason: z.string().max(1000).nullable().optional() }),
    output: z.object({ status: z.literal('locked down') }),
    status: 200,
    summary: 'Pulls the brake: nothing starts until somebody resolves it.',
    effect: 'brake',
    inLockdown: true,
    ...silent,
  }),
  getServiceStatus: op({
    method: 'get',
    path: '/ui/service/status',
    role: 'admin',
    input: z.object({}),
    output: z.object({ status: z.literal('RUNNING') }),
    status: 200,
    summary: 'Tells that this server runs.',
    effect: 'read',
    ...silent,
  }),
  restartService: op({
    method: 'post',
    path: '/ui/service/restart',
    role: 'admin',
    input: z.object({}),
    output: z.object({ status: z.literal('restarting') }),
    status: 200,
    summary: 'Answers, then stops the server and starts it again on the same port.',
    effect: 'mutation',
    ...silent,
  }),
  stopService: op({
    method: 'post',
    path: '/ui/service/stop',
    role: 'admin',
    input: z.object({}),
    output: z.object({ status: z.literal('stopping') }),
    status: 200,
    summary: 'Answers, then stops the server; it stays stopped until a person starts it.',
    effect: 'brake',
    inLockdown: true,
    ...silent,
  }),
  rotateToken: op({
    method: 'post',
    path: '/ops/tokens/{role}/rotate',
    role: 'admin',
    input: z.object({ role: z.string() }),
    output: z.object({ role: z.string(), token: z.string() }),
    status: 200,
    refusals: [409],
    summary:
      'Gives a role a new token, and tells it this once; the old one is worth nothing any more.',
    effect: 'mutation',
    ...silent,
  }),
  listAudit: op({
    method: 'get',
    path: '/ops/audit',
    role: 'operator',
    input: z.object({
      after: z.int().min(0).default(0),
      limit: z.int().min(1).max(1000).default(200),
    }),
    output: z.object({ entries: z.array(AuditEntry), next: z.int() }),
    status: 200,
    summary: 'Reads the audit from after an entry on, the oldest first; next is where to go on.',
    effect: 'read',
    ...silent,
  }),
  verifyAudit: op({
    method: 'get',
    path: '/ops/audit/verify',
    role: 'operator',
    input: z.object({}),
    output: z.object({ verdict: z.enum(verdicts), at: z.int().nullable() }),
    status: 200,
    summary: 'Checks the whole audit against its keys and the witness of its end.',
    effect: 'read',
    ...silent,
  }),
};
