import { type ChangeEvent, changeTypes } from '../contract/events.ts';
import type { ServerControl } from '../core/ports.ts';
import type { Host } from './host.ts';
import type { HostOptions } from './options.ts';

/** Opens one server, which may ask to be started again or stopped. */
export type OpenHost = (
  options: HostOptions,
  control: Pick<ServerControl, 'restart' | 'stop'>,
) => Promise<Host>;

interface Subscription {
  listener: (event: ChangeEvent) => void;
  end: () => void;
}

/**
 * Keeps a host over restarts: whoever holds it goes on with the same client, the same subscriptions and the same port,
 * while the server behind them is stopped and started again. One change at a time, in the order they were asked for.
 */
export async function supervise(options: HostOptions, open: OpenHost): Promise<Host> {
  const { logger } = options;
  const subscriptions = new Set<Subscription>();
  /** It has stopped, or is to stop for good: nothing is started again. */
  let over = false;
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
  const start = (more: Pick<HostOptions, 'port' | 'takeOver'>) =>
    open({ ...options, ...more, onStopped: ended }, { restart, stop });

  function restart() {
    inTurn(async () => {
      if (over) return;
      await current.stop();
      if (over) return;
      // Who took the folder over in between was not meant when somebody said to take it over.
      current = await start({ port: current.port, takeOver: false });
      for (const subscription of subscriptions) subscribe(subscription);
      logger.log('info', 'The server was stopped and started again, as it was asked to.');
    }).catch((error: unknown) => ended(`The server could not start again. ${told(error)}`));
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
    stop() {
      over = true;
      return inTurn(() => current.stop());
    },
  };
}

const told = (error: unknown) => (error instanceof Error ? error.message : String(error));
