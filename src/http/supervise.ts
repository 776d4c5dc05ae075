import { GimoError } from '../contract/errors.ts';
import { type ChangeEvent, changeTypes } from '../contract/events.ts';
import type { ServerControl } from '../core/ports.ts';
import type { Waiting } from '../store/claim-wait.ts';
import type { Host } from './host.ts';
import type { HostOptions } from './options.ts';
import { refuseAt } from './refusing.ts';

/**
 * Opens one server, which may ask to be started again or stopped.
 *
 * @param lost told once when it has ended because another server has the data directory
 */
export type OpenHost = (
  options: HostOptions,
  control: Pick<ServerControl, 'restart' | 'stop'>,
  lost: (reason: string) => void,
  wait: ClaimWait,
) => Promise<Host>;

/** How long to wait for whoever has the data directory; it is looked at once if nothing is said. */
export interface ClaimWait {
  /** Milliseconds. */
  patience?: number;
  waiting?: Waiting;
  /** Called when the directory is claimed, before the port is bound. */
  claimed?: () => Promise<void>;
}

interface Subscription {
  listener: (event: ChangeEvent) => void;
  end: () => void;
}

/** Milliseconds between two looks at whether a directory that was lost is free again. */
const betweenLooks = 1_000;
const waitingText =
  'Another GIMO server has this data directory, so this one does nothing until it is free. Use the other one.';

/**
 * Keeps a host over restarts and lost claims: whoever holds it goes on with the same client, the same subscriptions and
 * the same port, while the server behind them is stopped and started again. One change at a time, in the order they were
 * asked for.
 */
export async function supervise(options: HostOptions, open: OpenHost): Promise<Host> {
  const { logger } = options;
  const subscriptions = new Set<Subscription>();
  /** It has stopped, or is to stop for good: nothing is started again. */
  let over = false;
  const giveUp = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (job: () => Promise<void>): Promise<void> => {
    const done = last.then(job);
    last = done.catch(() => undefined); // whoever asked for it gets the error
    return done;
  };
  const ended = (reason: string) => {
    if (over) return;
    over = true;
    options.onStopped?.(reason);
  };
  const start = (more: Pick<HostOptions, 'port' | 'takeOver'>, wait: ClaimWait = {}) =>
    open({ ...options, ...more }, { restart, stop }, lost, wait);

  /* Who took the folder over in between was not meant when somebody said to take it over. */
  const startAgain = async (wait?: ClaimWait) => {
    current = await start({ port: current.port, takeOver: false }, wait);
    for (const subscription of subscriptions) subscribe(subscription);
  };
  function restart() {
    inTurn(async () => {
      if (over) return;
      await current.stop('restart');
      if (over) return;
      await startAgain();
      logger.log('info', 'The server was stopped and started again, as it was asked to.');
    }).catch((error: unknown) => {
      if (GimoError.is(error, 'not_writer')) lost(error.message);
      else ended(`The server could not start again. ${told(error)}`);
    });
  }
  function lost(reason: string) {
    if (over) return;
    if (options.onLost === undefined) {
      inTurn(waitUntilFree).catch((error: unknown) =>
        ended(`The server could not start again. ${told(error)}`),
      );
      return;
    }
    over = true;
    options.onLost(reason);
  }
  async function waitUntilFree() {
    if (over) return;
    const claimed = await refuseAt(current.port, waitingText);
    logger.log('warn', 'This server waits: it serves again when the data directory is free.');
    const waiting = { every: betweenLooks, signal: giveUp.signal };
    try {
      await startAgain({ patience: Number.POSITIVE_INFINITY, waiting, claimed });
      logger.log('info', 'The data directory is free: this server has it again, and serves.');
    } catch (error) {
      if (!over) throw error;
    } finally {
      await claimed();
    }
  }
  function stop() {
    inTurn(async () => {
      if (!over) await current.stop();
    }).then(
      () => ended('It was asked to stop.'),
      (error: unknown) => ended(`It was asked to stop, and something failed: ${told(error)}`),
    );
  }
  function subscribe(subscription: Subscription) {
    subscription.end = current.onChange(subscription.listener);
    // Numbers begin anew, and what happened in between was not told: whoever listens looks at everything again.
    try {
      for (const type of changeTypes) subscription.listener({ type, id: null, rev: 0 });
    } catch (error) {
      logger.log('error', `a listener failed: ${told(error)}`);
    }
  }

  const first = start(options);
  last = first;
  let current = await first;
  const { url, port, pid, dataDir, ledgerDir } = current;
  return {
    ...{ url, port, pid, dataDir, ledgerDir },
    get epoch() {
      return current.epoch;
    },
    client: {
      call: (id, args, more) => current.client.call(id, args, more),
      answer: (id, args, more) => current.client.answer(id, args, more),
    },
    onChange(listener) {
      const subscription = { listener, end: current.onChange(listener) };
      subscriptions.add(subscription);
      return () => {
        subscription.end();
        subscriptions.delete(subscription);
      };
    },
    token: (role) => current.token(role),
    get commandLine() {
      return current.commandLine;
    },
    stop(why) {
      over = true;
      giveUp.abort();
      return inTurn(() => current.stop(why));
    },
  };
}

const told = (error: unknown) => (error instanceof Error ? error.message : String(error));
