import { GimoError } from '../contract/errors.ts';
import type { AuditLog } from './auditlog.ts';
import type { Clock } from './clock.ts';
import type { Call, Handlers } from './handlers.ts';
import type { Doer, Panic } from './panic.ts';
import type { ServerControl } from './ports.ts';
import { tokenRoles } from './principals.ts';
import type { Redactor } from './redaction.ts';
import { type ServerFacts, uptime } from './status.ts';

export interface SecurityPorts {
  panic: Panic;
  auditLog: AuditLog;
  redactor: Redactor;
  server: ServerControl;
  clock: Clock;
  facts: Pick<ServerFacts, 'version' | 'startedAt'>;
  /** How many paths clients may read. */
  allowlistCount: () => Promise<number>;
}

type SecurityHandlers = Pick<
  Handlers,
  | 'getUiStatus'
  | 'getSecurityEvents'
  | 'resolveSecurity'
  | 'lockDown'
  | 'getServiceStatus'
  | 'restartService'
  | 'stopService'
  | 'rotateToken'
>;

/** The brakes, and what a person does to the server itself. */
export function securityHandlers(ports: SecurityPorts): SecurityHandlers {
  const { panic, auditLog, redactor, server, clock, facts, allowlistCount } = ports;
  return {
    getUiStatus: {
      async read(_input, { principal }) {
        const mayAudit = principal.role !== 'actions' && principal.role !== 'agent';
        return {
          body: {
            version: facts.version,
            uptime_seconds: uptime(facts, clock),
            allowlist_count: await allowlistCount(),
            last_audit_line: mayAudit ? await auditLog.lastLine() : null,
            service_status: 'RUNNING',
          },
        };
      },
    },
    getSecurityEvents: {
      async read() {
        const level = panic.level();
        return { body: { panic_mode: level !== 'open', level, events: [...panic.events()] } };
      },
    },
    resolveSecurity: {
      lock: () => 'security',
      async prepare({ action }, call) {
        if (action !== 'clear_panic') throw unknownAction();
        const effect = async () => {
          await panic.resolve(doerOf(call));
          return { body: { status: 'panic cleared' as const }, changes: [] };
        };
        return { target: null, effect };
      },
    },
    // No lock of its own: a brake waits for nobody.
    lockDown: {
      prepare: async ({ reason }, call) => ({
        target: null,
        effect: async () => {
          const why = reason === null || reason === undefined ? null : redactor.redact(reason);
          await panic.lockDown(doerOf(call), why);
          return { body: { status: 'locked down' as const }, changes: [] };
        },
      }),
    },
    ...serviceHandlers(server),
    rotateToken: {
      lock: () => 'tokens',
      async prepare({ role: name }) {
        const role = tokenRoles.find((known) => known === name);
        if (role === undefined)
          throw new GimoError(
            'not_found',
            `There is no token of this role. The roles are ${tokenRoles.join(', ')}.`,
          );
        return {
          target: role,
          effect: async () => ({
            body: { role, token: await server.rotateToken(role) },
            changes: [],
          }),
        };
      },
    },
  };
}

function serviceHandlers(
  server: ServerControl,
): Pick<Handlers, 'getServiceStatus' | 'restartService' | 'stopService'> {
  return {
    getServiceStatus: { read: async () => ({ body: { status: 'RUNNING' } }) },
    restartService: {
      prepare: async () => ({
        target: null,
        effect: async () => ({
          body: { status: 'restarting' as const },
          changes: [{ type: 'server', id: null }],
          afterwards: () => server.restart(),
        }),
      }),
    },
    stopService: {
      prepare: async () => ({
        target: null,
        effect: async () => ({
          body: { status: 'stopping' as const },
          changes: [{ type: 'server', id: null }],
          afterwards: () => server.stop(),
        }),
      }),
    },
  };
}

const doerOf = (call: Call): Doer => ({
  actor: call.principal.actor,
  correlationId: call.correlationId,
});

function unknownAction() {
  const msg = 'The only action is clear_panic.';
  return new GimoError('validation_error', msg, {
    status: 400,
    issues: [{ type: 'value_error', loc: ['query', 'action'], msg }],
  });
}
