import { randomUUID } from 'node:crypto';
import { restoreDecided, settleApprovals } from './approval-recovery.ts';
import { handlersOf } from './core-handlers.ts';
import { type CoreParts, type CorePorts, openParts } from './core-parts.ts';
import { createGate, type Gate } from './dispatch.ts';
import { draftLock } from './drafts.ts';
import type { Events } from './events.ts';
import type { Panic } from './panic.ts';
import { principalOf } from './principals.ts';
import type { Redactor } from './redaction.ts';

/** The rules, wired together: the gate, and what the edges need beside it. */
export interface Core extends Gate, Pick<Events, 'subscribe' | 'since'> {
  readonly redactor: Redactor;
  /** Once the server is stopping: resolves when what the first {@link Core.cleanUp} began is written. */
  tidied(): Promise<void>;
  /**
   * Deletes what has been over for long enough; see {@link createUpkeep}. The first time it also gives drafts their status
   * back, see {@link restoreDecided}: that reads all that wait, so it is not part of a start.
   */
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
  const parts = await openParts(ports);
  const { redactor, panic, audit, events, locks, upkeep } = parts;
  const { editor: person = principalOf('editor', ports.facts.dataDir) } = ports;
  const handlers = handlersOf(parts, async (patch, correlationId) => {
    await gate.dispatch('setConfig', patch, { principal: person, correlationId, source: 'editor' });
  });
  const gate = createGate({ ...parts, handlers });
  await recover(parts);
  watch(parts);
  parts.worker.wake();
  let tidied = false;
  return {
    ...gate,
    tidied: () => locks.run('tidying', async () => undefined),
    redactor,
    panic,
    cleanUp() {
      if (!tidied) tidy(parts);
      tidied = true;
      return upkeep.run();
    },
    async audited(operation, brake, effect) {
      panic.requireOpenTo({ effect: 'mutation', ...(brake ? { inLockdown: true } : {}) });
      const { actor } = person;
      const act = { correlationId: randomUUID(), actor, operation, target: null, request: null };
      await audit.around(act, effect, brake);
    },
    subscribe: events.subscribe,
    since: events.since,
  };
}

/** What a crash cut in half comes to its end, before anything new begins. */
async function recover(parts: CoreParts): Promise<void> {
  const { store, ledger, decisions, audit, book, worker, undo, idempotency, changes } = parts;
  await settleApprovals(store, ledger, decisions, audit);
  await book.recover(worker.settle);
  await undo.recover();
  await idempotency.settle();
  await changes.settle(parts.auditFile, audit);
  await changes.look();
}

function watch({ store, changes, logger, redactor }: CoreParts): void {
  store.watch(() => {
    changes
      .look()
      .catch((error: unknown) =>
        logger.log('error', `changes could not be looked at: ${redactor.redact(String(error))}`),
      );
  });
}

/** What may take its time; nobody waits for it but a server that is stopping. */
function tidy({ store, decisions, audit, locks, logger, redactor, shutdown }: CoreParts): void {
  const inTurn = (draft_id: string, job: () => Promise<void>) => {
    shutdown.throwIfAborted();
    return locks.run('tidying', () => locks.run(draftLock({ draft_id }), job));
  };
  restoreDecided(store, decisions, audit, inTurn).catch((error: unknown) => {
    if (!shutdown.aborted)
      logger.log('warn', `decided drafts could not be tidied: ${redactor.redact(String(error))}`);
  });
}
