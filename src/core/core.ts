import type { ProviderConfig } from '../contract/records.ts';
import { approveHandler, createApprovals, settleApprovals } from './approvals.ts';
import { openAudit } from './audit.ts';
import { createAuditLog } from './auditlog.ts';
import { braked, stopOrGoOn } from './brake.ts';
import { createChanges } from './changes.ts';
import { openDecisions } from './decisions.ts';
import { createGate, type Gate } from './dispatch.ts';
import { createDrafts } from './drafts.ts';
import { createEvents, type Events } from './events.ts';
import { type FoundKeys, openFoundKeys } from './found-keys.ts';
import { generateHandler } from './generate.ts';
import type { Handlers } from './handlers.ts';
import { createIdempotency } from './idempotency.ts';
import { createIds } from './ids.ts';
import { createLocks } from './locks.ts';
import { openApiHandler } from './openapi.ts';
import { openPanic, type Panic } from './panic.ts';
import { planHandlers } from './plan.ts';
import { policyDiffers, requireEditor } from './policy.ts';
import type {
  AuditFile,
  Clock,
  Ledger,
  Logger,
  Models,
  SecretVault,
  ServerControl,
  Store,
  Worker,
} from './ports.ts';
import { createRedactor, type Redactor } from './redaction.ts';
import { redraftHandler } from './redraft.ts';
import { createRepository, type RepositoryPorts } from './repository.ts';
import { createRunBook, type RunBook } from './runbook.ts';
import { createRuns } from './runs.ts';
import { securityHandlers } from './security.ts';
import { openSettings, type Settings } from './settings.ts';
import { type ServerFacts, statusHandler } from './status.ts';
import { createUpkeep } from './upkeep.ts';

export interface CorePorts {
  store: Store;
  ledger: Ledger;
  auditFile: AuditFile;
  vault: SecretVault;
  models: Models;
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

/** The rules, wired together: the gate, and what the edges need beside it. */
export interface Core extends Gate, Pick<Events, 'subscribe' | 'since'> {
  readonly redactor: Redactor;
  /** Deletes what has been over for long enough; see {@link createUpkeep}. */
  cleanUp(): Promise<void>;
  readonly panic: Pick<Panic, 'requireOpenToStrangers' | 'invalidToken' | 'unhandledError'>;
}

/**
 * Opens the core over its ports: recovers what a crash cut in half, then lets runs begin.
 * @throws GimoError if the store, the ledger or the audit chain cannot be opened
 */
export async function openCore(ports: CorePorts): Promise<Core> {
  const { store, ledger, clock, logger, facts } = ports;
  const settings = await openSettings(ports);
  let foundKeys: FoundKeys | undefined;
  const redactor = createRedactor(function* () {
    yield* ports.tokens();
    yield* settings.knownSecrets();
    yield* foundKeys?.secrets() ?? [];
  });
  const events = createEvents((error) =>
    logger.log('error', `a listener failed: ${redactor.redact(String(error))}`),
  );
  const audit = await openAudit({
    ...{ file: ports.auditFile, ledger, clock, logger },
    redact: redactor.redactKnown,
  });
  const keys = await openFoundKeys({ ...ports, audit });
  foundKeys = keys;
  const locks = createLocks();
  const ids = createIds(clock);
  const decisions = await openDecisions(ledger, logger);
  const drafts = createDrafts({ store, decisions, settings, redactor, clock, ids });
  const approvals = createApprovals({ store, ledger, settings, clock });
  const book = createRunBook({
    ...{ store, ledger, settings, approvals, redactor, audit, events, clock, logger },
  });
  const panic = await openPanic({ ledger, audit, events, clock, logger });
  const worker = ports.worker(braked(book, panic), settings, redactor);
  events.subscribe(({ type }) => {
    if (type === 'panic') stopOrGoOn(panic, book, worker, logger);
    // More runs may be allowed at once than before.
    if (type === 'config') worker.wake();
  });
  const runs = createRuns({ store, approvals, book, worker, audit, events, clock, ids });
  const auditLog = createAuditLog({ file: ports.auditFile, ledger, redactor });
  const idempotency = createIdempotency({ store, ledger, clock, logger });
  const changes = createChanges({
    ...{ store, ledger, settings, keys, redactor, locks, events, logger },
    hostedBy: facts.hostedBy,
  });
  const upkeep = createUpkeep({
    ...{ store, ledger, settings, book, idempotency, audit, events, locks, clock, logger },
    ...{ runTtlSeconds: ports.runTtlSeconds, cleanSnapshots: ports.cleanSnapshots },
    decisions,
    paused: () => !panic.mayRun(),
  });
  const repository = createRepository({
    ...ports.repository,
    ...{ store, ledger, redactor, clock, logger },
  });
  const handlers: Handlers = {
    ...repository.handlers,
    getStatus: statusHandler({ store, settings, clock, facts, panic, changes }),
    getOpenApi: openApiHandler(facts.version, ports.publicUrl ?? (() => '')),
    ...drafts.handlers,
    ...approvals.handlers,
    ...runs.handlers,
    approveDraft: approveHandler({
      ...{ store, ledger, decisions, settings, clock, ids, drafts, approvals, runs, logger },
      hostedBy: facts.hostedBy,
    }),
    ...auditLog.handlers,
    ...securityHandlers({
      ...{ panic, auditLog, redactor, clock, facts, server: ports.server },
      allowlistCount: async () => (await repository.allowed()).length,
    }),
    ...planHandlers(store, drafts.refuseSecrets, book.glance),
    ...settingsHandlers({
      ...{ settings, keys, refuseSecrets: drafts.refuseSecrets, hostedBy: facts.hostedBy },
    }),
    ...changes.handlers,
    redraft: redraftHandler({ store, approvals, drafts }),
    generateDraft: generateHandler({
      ...{ drafts, settings, redactor, logger },
      models: ports.models,
      shutdown: ports.shutdown,
    }),
  };
  const gate = createGate({
    ...{ handlers, settings, audit, events, ledger, panic, idempotency, locks },
  });
  await settleApprovals(store, ledger, decisions, audit);
  await book.recover();
  await idempotency.settle();
  await changes.look();
  store.watch(() => {
    changes
      .look()
      .catch((error: unknown) =>
        logger.log('error', `changes could not be looked at: ${redactor.redact(String(error))}`),
      );
  });
  worker.wake();
  return {
    ...gate,
    redactor,
    panic,
    cleanUp: upkeep.run,
    subscribe: events.subscribe,
    since: events.since,
  };
}

function settingsHandlers(ports: {
  settings: Settings;
  keys: FoundKeys;
  refuseSecrets: (proposal: unknown) => void;
  hostedBy: ServerFacts['hostedBy'];
}): Pick<Handlers, 'getConfig' | 'setConfig' | 'getProvider' | 'setProvider'> {
  const { settings, keys, refuseSecrets, hostedBy } = ports;
  return {
    getConfig: { read: async () => ({ body: settings.config() }) },
    setConfig: {
      lock: () => 'config',
      prepare: async (patch, call) => {
        refuseSecrets(patch);
        if (policyDiffers(settings.config(), settings.patched(patch)))
          requireEditor(call, hostedBy);
        return {
          target: null,
          effect: async () => ({
            body: await settings.setConfig(patch),
            changes: [{ type: 'config', id: null }],
          }),
        };
      },
    },
    getProvider: { read: async () => ({ body: settings.providers() }) },
    setProvider: {
      lock: () => 'provider',
      prepare: async (next) => {
        refuseSecrets(withoutKeys(next));
        const accept = settings.prepareProviders(next);
        return {
          target: next.active,
          effect: async () => {
            const body = await accept();
            await keys.settle();
            return { body, changes: [{ type: 'provider', id: null }] };
          },
        };
      },
    },
  };
}

/** Providers without what may be a key: the rest of them is shown, and lies in the workspace. */
const withoutKeys = ({ active, providers }: ProviderConfig) => [
  active,
  Object.entries(providers).map(([name, entry]) => [name, { ...entry, api_key: null }]),
];
