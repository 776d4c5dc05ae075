import type { Client } from '../client/client.ts';
import type { ChangeEvent } from '../contract/events.ts';
import type { TokenRole } from '../core/principals.ts';
import type { CommandLine } from './commandLine.ts';

/** The server that an editor's window works on: one that it hosts, or one of another process that it is attached to. */
export interface Served {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly ledgerDir: string;
  /** Whether another process hosts it. */
  readonly attached: boolean;
  /** As principal `editor`: the same rights, whoever hosts it. */
  readonly client: Client;
  /** @returns a function that ends the subscription */
  onChange(listener: (event: ChangeEvent) => void): () => void;
  /**
   * The token of a role.
   * @throws GimoError `not_found` if this window is attached, and has no copy of the one in force
   */
  token(role: TokenRole): Promise<string>;
  /** Whether the command line has a token; null if another process hosts the server, which alone may say so. */
  readonly commandLine: CommandLine | null;
  /** Stops the server on purpose, whoever hosts it: nobody takes over. */
  stop(): Promise<void>;
  /** Lets go of it because the window closes: a server that it hosts ends, and another window takes over. */
  leave(): Promise<void>;
}
