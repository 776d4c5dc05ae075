import { GimoError } from '../contract/errors.ts';
import type { LockLevel, SecurityEvent } from '../contract/rows/security.ts';
import type { Audit } from './audit.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Events } from './events.ts';
import type { Ledger, SecurityState } from './ledger-ports.ts';
import { brakePatience, within } from './patience.ts';
import type { Logger } from './ports.ts';
import { systemActor } from './principals.ts';

/** How long an invalid token or an unhandled error counts, in milliseconds. */
const windowMs = 60_000;
const invalidTokens = 5;
const unhandledErrors = 3;
/** How many events are kept, the newest. */
const kept = 100;

/** Who did something that locks or opens the server, and in which request. */
export interface Doer {
  actor: string;
  correlationId: string;
}

/**
 * The lockdown. It is in force the moment that it is pulled, whatever the disk says, and survives a restart: its state
 * stands in the ledger, and what cannot be trusted there counts as locked.
 */
export interface Panic {
  level(): LockLevel;
  events(): readonly SecurityEvent[];
  /** Throws `lockdown` if callers without a valid token are turned away. */
  requireOpenToStrangers(): void;
  /** Throws `lockdown` if valid callers may only look and stop things, and this is neither. */
  requireOpenTo(operation: { effect: string; inLockdown?: true }): void;
  /** Whether runs may start. */
  mayRun(): boolean;
  /** Counts a token that was never valid. Resolves when what follows from it is kept. */
  invalidToken(correlationId: string): Promise<void>;
  /** Counts an error that nobody expected. */
  unhandledError(correlationId: string): Promise<void>;
  /** @throws GimoError `storage_*` if it could not be kept; it is in force all the same */
  lockDown(by: Doer, reason: string | null): Promise<void>;
  /** @throws GimoError `storage_*` if it could not be kept; the lockdown then stays */
  resolve(by: Doer): Promise<void>;
}

export interface PanicPorts {
  ledger: Pick<Ledger, 'security'>;
  audit: Pick<Audit, 'append'>;
  events: Pick<Events, 'publish'>;
  clock: Clock;
  logger: Logger;
}

const startup: Doer = { actor: systemActor, correlationId: 'startup' };

/** Takes up the state that the ledger keeps. */
export async function openPanic(ports: PanicPorts): Promise<Panic> {
  const { ledger, audit, events, clock, logger } = ports;
  const found = await ledger.security.read();
  let state: SecurityState = found ?? { level: 'open', events: [] };
  const invalid = createCounter(clock, invalidTokens);
  const unhandled = createCounter(clock, unhandledErrors);

  const after = (
    type: SecurityEvent['type'],
    level: LockLevel,
    by: Doer,
    reason: string | null,
  ) => {
    const ts = timestamp(clock);
    const event = { ts, type, level, actor: by.actor, correlation_id: by.correlationId, reason };
    return { level, events: [...state.events, event].slice(-kept) };
  };
  const announce = () => events.publish({ type: 'panic', id: null });
  /** Locks first, and keeps it then. */
  const lock = (
    type: SecurityEvent['type'],
    level: 'strangers' | 'all',
    by: Doer,
    reason: string | null,
  ) => {
    state = after(type, state.level === 'all' ? 'all' : level, by, reason);
    announce();
    return ledger.security.write(state);
  };
  /** What the server does of its own accord: nobody is there to be told that it could not be kept or audited. */
  const lockByItself = async (
    type: SecurityEvent['type'],
    level: 'strangers' | 'all',
    correlationId: string,
  ) => {
    const by = { actor: systemActor, correlationId };
    const act = { ...by, operation: 'lockDown', target: type, request: null };
    const tell = (what: string) => (error: unknown) =>
      logger.log('error', `${what}: ${String(error)}`, { correlation_id: correlationId });
    logger.log('warn', reasons[type], { correlation_id: correlationId });
    const noted = Promise.all([
      lock(type, level, by, null).catch(tell('The lockdown could not be kept for a restart')),
      audit.append(act, 'done').catch(tell('The lockdown could not be audited')),
    ]);
    await within(brakePatience, noted);
  };
  if (found === null) await lockByItself('state_unreadable', 'all', startup.correlationId);

  return {
    level: () => state.level,
    events: () => state.events,
    requireOpenToStrangers() {
      if (state.level !== 'open')
        throw new GimoError(
          'lockdown',
          'System in LOCKDOWN. Only callers with a valid token are answered until a person resolves it.',
        );
    },
    requireOpenTo({ effect, inLockdown }) {
      if (state.level !== 'all' || effect === 'read' || inLockdown === true) return;
      throw new GimoError(
        'lockdown',
        'System in LOCKDOWN. Nothing new is done until a person resolves it; reading, rejecting and cancelling work.',
      );
    },
    mayRun: () => state.level !== 'all',
    async invalidToken(correlationId) {
      if (state.level === 'open' && invalid.reached())
        await lockByItself('invalid_tokens', 'strangers', correlationId);
    },
    async unhandledError(correlationId) {
      if (state.level !== 'all' && unhandled.reached())
        await lockByItself('unhandled_errors', 'all', correlationId);
    },
    async lockDown(by, reason) {
      if (await within(brakePatience, lock('lockdown', 'all', by, reason))) return;
      throw new GimoError(
        'storage_error',
        'The lockdown is in force, but the disk does not answer, so it may not outlast a restart. Check the disk that holds the ledger.',
      );
    },
    async resolve(by) {
      if (state.level === 'open') return;
      const before = state;
      const next = after('cleared', 'open', by, null);
      await ledger.security.write(next);
      // Somebody pulled the brake while this was being written: then it stays pulled.
      if (state !== before) return ledger.security.write(state);
      state = next;
      invalid.clear();
      unhandled.clear();
      announce();
    },
  };
}

const reasons = {
  invalid_tokens:
    'Five invalid tokens within a minute: callers without a valid token are turned away until a person resolves it.',
  unhandled_errors:
    'Three unhandled errors within a minute: the server is locked down until a person resolves it.',
  state_unreadable:
    'The security state in the ledger is not as it was written, so the server starts locked down. A person can resolve it.',
  lockdown: 'The server is locked down.',
  cleared: 'The lockdown is over.',
} satisfies Record<SecurityEvent['type'], string>;

/** Tells when something has happened `most` times within the window. */
function createCounter(clock: Clock, most: number) {
  let times: number[] = [];
  return {
    reached() {
      const now = clock.now();
      times = [...times.filter((time) => now - time < windowMs), now];
      return times.length >= most;
    },
    clear() {
      times = [];
    },
  };
}
