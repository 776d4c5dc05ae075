import type { ProviderConfig } from '../contract/records.ts';
import { createArtifacts } from './artifacts.ts';
import { createAsking } from './asking.ts';
import { openAudit } from './audit.ts';
import { createAuditLog } from './auditlog.ts';
import { braked, stopOrGoOn } from './brake.ts';
import { createChanges } from './changes.ts';
import type { Clock } from './clock.ts';
import { openConsumption } from './consumption.ts';
import { openDecisions } from './decisions.ts';
import { createDrafts } from './drafts.ts';
import { createEvents } from './events.ts';
import { createFill } from './fill.ts';
import { type FoundKeys, openFoundKeys } from './found-keys.ts';
import { createIdempotency } from './idempotency.ts';
import { createIds } from './ids.ts';
import type { Ledger } from './ledger-ports.ts';
import { createLocks } from './locks.ts';
import { openPanic } from './panic.ts';
import { together } from './patience.ts';
import type { AuditFile, Logger, SecretVault, ServerControl, Store } from './ports.ts';
import type { Principal } from './principals.ts';
import { createRedactor, type Redactor } from './redaction.ts';
import { createRepository, type RepositoryPorts } from './repository.ts';
import { createRunBook, type RunBook } from './runbook.ts';
import { createRuns } from './runs.ts';
import { openSettings, type Settings } from './settings.ts';
import type { ServerFacts } from './status.ts';
import { createUndo } from './undo.ts';
import { createUpkeep } from './upkeep.ts';
import { createWithhold } from './withhold.ts';
import type { Models, Person, Programs, Worker, Workspace } from './work.ts';

export interface CorePorts {
  store: Store;
  ledger: Ledger;
  auditFile: AuditFile;
  vault: SecretVault;
  models: Models;
  workspace: Workspace;
  programs: Programs;
  /** Whom an editor can ask; null where there is none. */
  person: Person | null;
  /** As whom what the person allows is done and audited. */
  editor?: Principal | undefined;
  clock: Clock;
  logger: Logger;
  env: Readonly<Record<string, string | undefined>>;
  firstProvider: ProviderConfig;
  /** What clients read the repository through. */
  repository: Omit<RepositoryPorts, 'ledger' | 'store' | 'redactor' | 'clock' | 'logger'>;
  facts: ServerFacts;
  /** Tokens in force; they are secrets to be kept out of everything. */
  tokens: () => Iterable<string>;
  /** Makes the worker, once the book that it works from stands. */
  worker: (book: RunBook, settings: Settings, redactor: Redactor) => Worker;
  shutdown: AbortSignal;
  server: ServerControl;
  /** Where clients reach the server, without a slash at the end; where it answered them if left out. */
  publicUrl?: (() => string) | undefined;
  /** Seconds that terminal runs are kept; what the configuration says if left out. */
  runTtlSeconds?: number | undefined;
  /** Deletes snapshots whose time is over. */
  cleanSnapshots?: (() => Promise<unknown>) | undefined;
}

/** What nearly every rule stands on. */
async function openBase(ports: CorePorts) {
  const { ledger, clock, logger } = ports;
  let known: { settings: Settings; keys: FoundKeys } | undefined;
  const redactor = createRedactor(function* () {
    yield* ports.tokens();
    yield* known?.settings.knownSecrets() ?? [];
    yield* known?.keys.secrets() ?? [];
  });
  const events = createEvents((error) =>
    logger.log('error', `a listener failed: ${redactor.redact(String(error))}`),
  );
  const audit = await openAudit({
    ...{ file: ports.auditFile, ledger, clock, logger },
    redact: redactor.redactKnown,
  });
  const [settings, keys, decisions, consumption] = await together([
    openSettings(ports),
    openFoundKeys({ ...ports, audit }),
    openDecisions(ledger, logger),
    openConsumption(ledger, logger),
  ]);
  known = { settings, keys };
  const panic = await openPanic({ ledger, audit, events, clock, logger });
  return {
    ...ports,
    ...{ settings, redactor, events, audit, keys, decisions, consumption, panic },
    ...{ locks: createLocks(), ids: createIds(clock) },
  };
}

/** Everything that the operations work with, over its ports. Nothing is recovered yet. */
export async function openParts(ports: CorePorts) {
  const base = await openBase(ports);
  const { settings, redactor, events, panic, ledger, logger } = base;
  const { hostedBy } = ports.facts;
  const repository = createRepository({ ...base, ...ports.repository });
  const { judge } = repository;
  const withhold = createWithhold({ judge });
  const drafts = createDrafts({ ...base, withhold });
  const artifacts = createArtifacts({ ...base, withhold });
  const asking = createAsking({ ...base, hostedBy });
  const book = createRunBook({ ...base, artifacts });
  const worker = ports.worker(braked(book, panic), settings, redactor);
  events.subscribe(({ type }) => {
    if (type === 'panic') stopOrGoOn(panic, book, worker, logger);
    // More runs may be allowed at once than before.
    if (type === 'config') worker.wake();
  });
  const undo = createUndo(base);
  const runs = createRuns({ ...base, artifacts, asking, workspace: undo, book, worker });
  const idempotency = createIdempotency(base);
  const changes = createChanges({ ...base, hostedBy });
  return {
    ...base,
    ...{ repository, drafts, artifacts, asking, book, worker, undo, runs, idempotency, changes },
    fill: createFill({ ...base, judge }),
    auditLog: createAuditLog({ file: ports.auditFile, ledger, redactor }),
    upkeep: createUpkeep({ ...base, book, idempotency, paused: () => !panic.mayRun() }),
  };
}
export type CoreParts = Awaited<ReturnType<typeof openParts>>;
