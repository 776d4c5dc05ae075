import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/client.ts';
import { httpTransport } from '../../src/client/http.ts';
import type { Aim, Answer, Told } from './aim.ts';

/** A real server, in whose process the fault layer waits. */
export interface FaultyServer {
  readonly url: string;
  readonly token: string;
  readonly client: Client;
  /** Aims at a call from now on; null: only writes them down. */
  arm(aim: Aim): Promise<void>;
  /** The calls since it was armed, once nothing is under way; null if it has ended at one. */
  points(): Promise<string[] | null>;
  /**
   * Does something with the server, for as long as it lives.
   * @returns what came of it, or null if the server ended meanwhile
   */
  whileAlive<T>(work: () => Promise<T>): Promise<T | null>;
  /** Resolves once a look at the server tells so: looks first, and again after each change. */
  until(look: () => Promise<boolean>): Promise<void>;
  /** Resolves once the server's log holds this. */
  logged(text: string): Promise<void>;
  readonly exited: Promise<void>;
  /** Sends a signal, and waits for the end of the process. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Ends it as its orders say what is lost, and waits for the end of the process. */
  powerOff(): Promise<void>;
}

/** A server ended before it listened. */
export class NotStarted extends Error {
  readonly log: string;
  readonly byAim: boolean;
  constructor(log: string, byAim: boolean) {
    super(`The server did not start: ${log}`);
    this.log = log;
    this.byAim = byAim;
  }
}

/** How a server is reached beside its port. */
export interface Wire {
  url: string;
  token: string;
  exited: Promise<void>;
  isGone(): boolean;
  /** Resolves where the server ends, be it that its process goes on with others; never, if it ends with its process. */
  reached: Promise<void>;
  /** @returns null if it has ended */
  ask(told: Told): Promise<Answer | null>;
  send(told: Told): void;
  /** The points of one that ended by itself. */
  lastPoints(): Promise<string[] | null>;
  logged(text: string): Promise<void>;
  signal(name: NodeJS.Signals): Promise<void>;
}

export function serverOf(wire: Wire): FaultyServer {
  const { url, token, exited } = wire;
  const over = Promise.race([wire.reached, exited]).then(() => null);
  let isOver = false;
  void over.then(() => {
    isOver = true;
  });
  return {
    ...{ url, token, exited },
    client: createClient(httpTransport(url, token)),
    async arm(aim) {
      if ((await wire.ask({ aim })) === null) throw new Error('The server has ended.');
    },
    async points() {
      const answer = isOver ? null : await Promise.race([wire.ask({ tell: 'points' }), over]);
      if (answer !== null) return 'points' in answer ? answer.points : null;
      return wire.lastPoints();
    },
    async whileAlive(work) {
      if (isOver && !wire.isGone()) return null;
      const done = work().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      const outcome = await Promise.race([done, wire.reached.then(() => null)]);
      if (outcome === null) return null;
      if ('value' in outcome) return outcome.value;
      // What fails because the process ended, failed for that reason; everything else is an error.
      if (outcome.error instanceof TypeError) {
        await exited;
        return null;
      }
      throw outcome.error;
    },
    async until(look) {
      const watching = new AbortController();
      const stream = await fetch(new URL('/ops/events', url), {
        headers: { authorization: `Bearer ${token}` },
        signal: watching.signal,
      });
      if (stream.body === null) throw new Error('There is no stream of events.');
      const reader = stream.body.getReader();
      try {
        while (!(await look())) if ((await reader.read()).done) throw new TypeError('terminated');
      } finally {
        watching.abort();
        await reader.cancel().catch(() => undefined); // it was aborted just now
      }
    },
    logged: wire.logged,
    signal: wire.signal,
    async powerOff() {
      wire.send({ power: 'off' });
      await Promise.race([wire.reached, exited]);
      await wire.signal('SIGKILL');
    },
  };
}
