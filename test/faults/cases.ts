import type { Client } from '../../src/client/client.ts';
import type { OpId } from '../../src/contract/operations.ts';
import type { FaultyPlace } from './place.ts';
import type { FaultyServer } from './server.ts';
import type { View } from './view.ts';

/** What a case works with: the server of this moment, and names that nobody had before. */
export interface World {
  place: FaultyPlace;
  server: FaultyServer;
  client: Client;
  /** Grows with every attempt. */
  n: number;
}

/** What was seen before and after. */
export interface Seen {
  before: View;
  after: View;
  /** What the call answered; null if the process ended before. */
  reply: unknown;
  /** The one that was started after it. */
  server: FaultyServer;
}

/** A call that is about to be made, everything that it needs in place. */
export interface Attempt {
  /** Makes the call, on this server or on the next. */
  act(server: FaultyServer): Promise<unknown>;
  /**
   * The records, files and settings that it may change, by id, path or name; `new draft`, `new artifact` and `new run`
   * if it may make one.
   */
  touches: readonly string[];
  /** What does not hold after the restart: it has to have happened whole, or not at all, and if it answered, whole. */
  faults(seen: Seen): Promise<string[]> | string[];
  /** The same call once more, under the same idempotency key: it makes nothing twice. */
  again?: (server: FaultyServer) => Promise<unknown>;
  /** What does not hold after that. */
  faultsAgain?: (seen: Seen) => string[];
  /** Brings back what the next attempt begins with. */
  after?: (server: FaultyServer) => Promise<unknown>;
}

export interface Case {
  name: string;
  /** The operation that it is a case of; null: what the server does of its own accord. */
  op: OpId | null;
  /** Environment of the server. */
  env?: (place: FaultyPlace) => Readonly<Record<string, string>>;
  /** It is about the process, which it cannot share. */
  alone?: true;
  /** Each attempt is the first in its directory: what is made then is made for the first time. */
  fresh?: true;
  /** Before the first attempt. */
  setUp?: (world: World) => Promise<unknown>;
  attempt(world: World): Promise<Attempt>;
  /** What is waited for after the call, before it counts as over; the end of all runs if left out. */
  over?: (world: World) => Promise<unknown>;
}
