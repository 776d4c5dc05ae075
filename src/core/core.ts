import { randomUUID } from 'node:crypto';
import type { ProviderConfig } from '../contract/records.ts';
import { approveHandler, restoreDecided, settleApprovals } from './approvals.ts';
import { createApprovals } from './artifacts.ts';
import { createAsking } from './asking.ts';
import { openAudit } from './audit.ts';
import { createAuditLog } from './auditlog.ts';
import { braked, stopOrGoOn } from './brake.ts';
import { createChanges } from './changes.ts';
import { openConsumption } from './consumption.ts';
import { openDecisions } from './decisions.ts';
import { createGate, type Gate } from './dispatch.ts';
import { createDrafts } from './drafts.ts';
import { createEvents, type Events } from './events.ts';
import { createFill } from './fill.ts';
import { type FoundKeys, openFoundKeys } from './found-keys.ts';
import { generateHandler } from './generate.ts';
import type { Handlers } from './handlers.ts';
import { createIdempotency } from './idempotency.ts';
import { createIds } from './ids.ts';
import { createLocks } from './locks.ts';
import { openApiHandler } from './openapi.ts';
import { openPanic, type Panic } from './panic.ts';
import { planHandlers } from './plan.ts';
import type {
  AuditFile,
  Clock,
  Ledger,
  Logger,
  SecretVault,
  ServerControl,
  Store,
} from './ports.ts';
import { type Principal, principalOf } from './principals.ts';
import { checkProviderHandler } from './provider-check.ts';
import { createRedactor, type Redactor } from './redaction.ts';
import { redraftHandler } from './redraft.ts';
import { createRepository, type RepositoryPorts } from './repository.ts';
import { reviewHandler } from './review.ts';
import { createRunBook, type RunBook } from './runbook.ts';
import { createRuns } from './runs.ts';
import { securityHandlers } from './security.ts';
import { openSettings, type Settings } from './settings.ts';
import { settingsHandlers } from './settings-handlers.ts';
import { type ServerFacts, statusHandler } from './status.ts';
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

/** The rules, wired together: the gate, and what the edges need beside it. */
export interface Core extends Gate, Pick<Events, 'subscribe' | 'since'> {
  readonly redactor: Redactor;
  /** Once the server is stopping: resolves when what it writes of its own accord after a start is written. */
  tidied(): Promise<void>;
  /** Deletes what has been over for long enough; see {@link createUpkeep}. */
  cleanUp(): Promise<void>;
  readonly panic: Pick<Panic, 'requireOpenToStrangers' | 'invalidToken' | 'unhandledError'>;
  /**
   * Does what only the window that hosts the server can ask for, as the person there, audited as an operation is.
   *
   * @param brake whether it takes something back: that goes in a lockdown too, and where nothing can be audited
   * @throws GimoError `lockdown`, `audit_unavailable`, and what the effect throws
   */
  audited(operation: string, brake: boolean, effect: () => Promise<void>): Promise<void>;
}

/**
 * Opens the core over its ports: recovers what a crash cut in half, then lets runs begin.
 * @throws GimoError if the store, the ledger or the audit chain cannot be opened
 */
export async function openCore(ports: CorePorts): Promise<Core> {
  const { store, ledger, clock, logger, facts, workspace, programs } = ports;
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
  const repository = createRepository({
    ...ports.repository,
    ...{ store, ledger, redactor, clock, logger },
  });
  const { judge } = repository;
  const fill = createFill({ workspace, programs, settings, judge });
  const withhold = createWithhold({ judge });
  const drafts = createDrafts({
    ...{ store, decisions, settings, redactor, fill, withhold, clock, ids },
  });
  const consumption = await openConsumption(ledger, logger);
  const approvals = createApprovals({
    ...{ store, ledger, settings, consumption, decisions, withhold, clock },
  });
  const { hostedBy } = facts;
  const asking = createAsking({ person: ports.person, settings, hostedBy, logger });
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
  const undo = createUndo({ store, ledger, workspace, audit, clock, logger });
  const runs = createRuns({
    ...{
      store,
      approvals,
      consumption,
      asking,
      workspace: undo,
      book,
      worker,
      audit,
      events,
      clock,
      ids,
    },
    logger,
  });
  const auditLog = createAuditLog({ file: ports.auditFile, ledger, redactor });
  const idempotency = createIdempotency({ store, ledger, clock, logger });
  const changes = createChanges({
    ...{ store, ledger, settings, keys, redactor, locks, events, logger },
    hostedBy: facts.hostedBy,
  });
  const upkeep = createUpkeep({
    ...{ store, ledger, settings, book, idempotency, audit, events, locks, clock, logger },
    ...{ runTtlSeconds: ports.runTtlSeconds, cleanSnapshots: ports.cleanSnapshots },
    ...{ decisions, consumption, workspace },
    paused: () => !panic.mayRun(),
  });
  const handlers: Handlers = {
    ...repository.handlers,
    getStatus: statusHandler({ store, settings, clock, facts, panic, changes }),
    getOpenApi: openApiHandler(facts.version, ports.publicUrl ?? (() => ''), settings),
    ...drafts.handlers,
    ...approvals.handlers,
    ...runs.handlers,
    approveDraft: approveHandler({
      ...{ store, ledger, decisions, settings, clock, ids, drafts, approvals, runs, logger },
      asking,
    }),
    ...auditLog.handlers,
    ...securityHandlers({
      ...{ panic, auditLog, redactor, clock, facts, server: ports.server },
      allowlistCount: async () => (await repository.allowed()).length,
    }),
    ...planHandlers(store, drafts.refuseSecrets, decisions, book.glance),
    ...settingsHandlers({
      ...{ settings, keys, refuseSecrets: drafts.refuseSecrets, programs, asking },
      async setAsPerson(patch, correlationId) {
        const { editor = principalOf('editor', facts.dataDir) } = ports;
        const caller = { principal: editor, correlationId, source: 'editor' as const };
        await gate.dispatch('setConfig', patch, caller);
      },
    }),
    ...changes.handlers,
    redraft: redraftHandler({ store, approvals, drafts }),
    reviewDraft: reviewHandler({ drafts, workspace, programs, settings, redactor, judge }),
    checkProvider: checkProviderHandler({
      ...{ settings, models: ports.models, clock, redactor, shutdown: ports.shutdown },
    }),
    generateDraft: generateHandler({
      ...{ drafts, settings, redactor, workspace, repository, fill, logger },
      models: ports.models,
      shutdown: ports.shutdown,
    }),
  };
  const gate = createGate({
    ...{ handlers, settings, audit, events, ledger, panic, idempotency, locks },
  });
  await settleApprovals(store, ledger, decisions, audit);
  await book.recover(worker.settle);
  await undo.recover();
  await idempotency.settle();
  await changes.settle(ports.auditFile, audit);
  await changes.look();
  store.watch(() => {
    changes
      .look()
      .catch((error: unknown) =>
        logger.log('error', `changes could not be looked at: ${redactor.redact(String(error))}`),
      );
  });
  worker.wake();
  const { shutdown } = ports;
  const tidying = (job: () => Promise<void>) => {
    shutdown.throwIfAborted();
    return locks.run('tidying', job);
  };
  restoreDecided(store, decisions, audit, tidying).catch((error: unknown) => {
    if (!shutdown.aborted)
      logger.log('warn', `decided drafts could not be tidied: ${redactor.redact(String(error))}`);
  });
  return {
    ...gate,
    tidied: () => locks.run('tidying', async () => undefined),
    redactor,
    panic,
    cleanUp: upkeep.run,
    async audited(operation, brake, effect) {
      panic.requireOpenTo({ effect: 'mutation', ...(brake ? { inLockdown: true } : {}) });
      const { actor } = ports.editor ?? principalOf('editor', facts.dataDir);
      const act = { correlationId: randomUUID(), actor, operation, target: null, request: null };
      await audit.around(act, effect, brake);
    },
    subscribe: events.subscribe,
    since: events.since,
  };
}
