import type { Problems } from '../problems.ts';
import type { Server } from '../server/server.ts';
import type { AuditVerdict } from './facts.ts';

/** What the commands of the control plane act through. */
export interface ControlParts {
  server: Server;
  problems: Problems;
  /** Shows what was found out about the audit log. */
  verified(verdict: AuditVerdict): void;
  /** Reads again what no event tells. Rejects as the client does. */
  refresh(): Promise<void>;
}
