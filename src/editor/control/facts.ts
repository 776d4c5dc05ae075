import type { Client } from '../../client/client.ts';
import type { Out } from '../../contract/operations.ts';
import type { Config, ProviderEntry } from '../../contract/records.ts';
import type { AllowedPath } from '../../contract/rows/repository.ts';
import type { LockLevel, SecurityEvent } from '../../contract/rows/security.ts';
import type { OutsideChange } from '../../contract/rows/upkeep.ts';
import type { Served } from '../../http/served.ts';

/** The verdict on the audit log, and when it was given. */
export interface AuditVerdict {
  verdict: Out['verifyAudit']['verdict'];
  at: number | null;
  ts: string;
}

/** What the view Control Plane shows. */
export interface Facts {
  server: Pick<Served, 'url' | 'dataDir' | 'attached'> & {
    pid: number;
    epoch: number;
    version: string;
    /** An instant in ISO 8601. */
    started_at: string;
  };
  /** `entry` is null if the provider in use is no longer set up. */
  provider: { name: string; entry: ProviderEntry | null };
  security: { level: LockLevel; last: SecurityEvent | null };
  config: Config;
  allowed: readonly AllowedPath[];
  changes: readonly OutsideChange[];
  quarantined: Out['getStatus']['quarantined'];
  /** Whether the command line has a token; null if only the window that hosts the server knows. */
  commandLine: boolean | null;
  /** Whether anything was approved in this folder. */
  hasApproved: boolean;
}

/**
 * Reads all of it. Rejects as the client does.
 * @param now milliseconds since 1970
 */
export async function readFacts(host: Served, now: () => number): Promise<Facts> {
  const { client, url, dataDir, attached } = host;
  const [status, events, config, provider, allowlist, changes, commandLine] = await Promise.all([
    client.call('getStatus', {}),
    client.call('getSecurityEvents', {}),
    client.call('getConfig', {}),
    client.call('getProvider', {}),
    client.call('getAllowlist', {}),
    client.call('listChanges', {}),
    host.commandLine?.allowed() ?? null,
  ]);
  const started = new Date(now() - status.uptime_seconds * 1000).toISOString();
  return {
    server: {
      ...{ url, dataDir, attached, pid: status.pid, epoch: status.epoch },
      ...{ version: status.version, started_at: started },
    },
    provider: { name: provider.active, entry: provider.providers[provider.active] ?? null },
    security: { level: events.level, last: events.events.at(-1) ?? null },
    ...{ config, changes, commandLine },
    allowed: allowlist.paths,
    quarantined: status.quarantined,
    hasApproved: status.approved > 0,
  };
}

/** What clients may read now. Rejects as the client does. */
export const allowedNow = async (client: Client): Promise<AllowedPath[]> =>
  (await client.call('getAllowlist', {})).paths;
