import type { ProviderConfig } from '../contract/records.ts';
import { approveHandler, createApprovals, settleApprovals } from './approvals.ts';
import { openAudit } from './audit.ts';
import { createGate, type Gate } from './dispatch.ts';
import { createDrafts } from './drafts.ts';
import { createEvents, type Events } from './events.ts';
import { generateHandler } from './generate.ts';
import type { Handlers } from './handlers.ts';
import { createIds } from './ids.ts';
import { planHandlers } from './plan.ts';
import type {
  AuditFile,
  Clock,
  Ledger,
  Logger,
  Models,
  SecretVault,
  Store,
  Worker,
} from './ports.ts';
import { createRedactor, type Redactor } from './redaction.ts';
import { createRunBook, type RunBook } from './runbook.ts';
import { createRuns } from './runs.ts';
import { openSettings, type Settings } from './settings.ts';
import { type ServerFacts, statusHandler } from './status.ts';

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
  facts: ServerFacts;
  /** Tokens in force; they are secrets to be kept out of everything. */
  tokens: () => Iterable<string>;
  /** Makes the worker, once the book that it works from stands. */
  worker: (book: RunBook, settings: Settings, redactor: Redactor) => Worker;
  shutdown: AbortSignal;
}

/** The rules, wired together: the gate, and what the edges need beside it. */
export interface Core extends Gate, Pick<Events, 'subscribe' | 'since'> {
  readonly redactor: Redactor;
}

/**
 * Opens the core over its ports: recovers what a crash cut in half, then lets runs begin.
 * @throws GimoError if the store, the ledger or the audit chain cannot be opened
 */
export async function openCore(ports: CorePorts): Promise<Core> {
  const { store, ledger, clock, logger, facts } = ports;
  const settings = await openSettings(ports);
  const redactor = createRedactor(function* () {
    yield* ports.tokens();
    yield* settings.knownSecrets();
  });
  const events = createEvents((error) =>
    logger.log('error', `a listener failed: ${redactor.redact(String(error))}`),
  );
  const audit = await openAudit({ file: ports.auditFile, ledger, clock, logger });
  const ids = createIds(clock);
  const drafts = createDrafts({ store, settings, redactor, clock, ids });
  const approvals = createApprovals({ store, ledger, settings, clock });
  const book = createRunBook({
    ...{ store, ledger, settings, approvals, redactor, audit, events, clock, logger },
  });
  const worker = ports.worker(book, settings, redactor);
  const runs = createRuns({ store, approvals, book, worker, audit, events, clock, ids });
  const handlers: Handlers = {
    getStatus: statusHandler({ store, settings, clock, facts }),
    ...drafts.handlers,
    ...approvals.handlers,
    ...runs.handlers,
    approveDraft: approveHandler({
      ...{ store, ledger, settings, clock, ids, drafts, approvals, runs, logger },
      hostedBy: facts.hostedBy,
    }),
    ...planHandlers(store, drafts.refuseSecrets),
    ...settingsHandlers(settings),
    generateDraft: generateHandler({
      ...{ store, drafts, settings, redactor, logger },
      models: ports.models,
      shutdown: ports.shutdown,
    }),
  };
  const gate = createGate({ handlers, settings, audit, events, ledger });
  await settleApprovals(store, ledger, audit);
  await book.recover();
  worker.wake();
  return { ...gate, redactor, subscribe: events.subscribe, since: events.since };
}

function settingsHandlers(
  settings: Settings,
): Pick<Handlers, 'getConfig' | 'setConfig' | 'getProvider' | 'setProvider'> {
  return {
    getConfig: { read: async () => ({ body: settings.config() }) },
    setConfig: {
      lock: () => 'config',
      prepare: async (patch) => ({
        target: null,
        effect: async () => ({
          body: await settings.setConfig(patch),
          changes: [{ type: 'config', id: null }],
        }),
      }),
    },
    getProvider: { read: async () => ({ body: settings.providers() }) },
    setProvider: {
      lock: () => 'provider',
      prepare: async (next) => {
        const accept = settings.prepareProviders(next);
        return {
          target: next.active,
          effect: async () => ({
            body: await accept(),
            changes: [{ type: 'provider', id: null }],
          }),
        };
      },
    },
  };
}
