import type { Readable } from 'node:stream';
import type { Host } from '../http/host.ts';
import type { HostOptions } from '../http/options.ts';
import type { Connection } from './connect.ts';
import type { Env, LedgerReader } from './discover.ts';
import type { Output, Sink } from './output.ts';

/** Everything that the command line needs from outside; the composition root hands it in. */
export interface CliDeps {
  startHost(options: HostOptions): Promise<Pick<Host, 'url' | 'pid' | 'dataDir' | 'stop'>>;
  ledger: LedgerReader;
  /**
   * The real path of a program that is named by its absolute path, or found on the search path outside the workspace;
   * null if there is none.
   */
  realPath(root: string, program: string): Promise<string | null>;
  stdin: Readable & { readonly isTTY?: boolean | undefined };
  stdout: Sink;
  stderr: Sink;
  env: Env;
  /** The directory that relative paths start from. */
  cwd: string;
  version: string;
  /** Milliseconds since 1970, UTC. */
  now(): number;
  signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** One command under way. */
export interface Session {
  readonly deps: CliDeps;
  readonly out: Output;
  readonly err: Output;
  /** Whether the raw answer is wanted. */
  readonly json: boolean;
  /** Absolute path of the workspace. */
  readonly root: string;
  /** Finds the server, makes it prove itself, and only then uses the token. Throws `CliError`. */
  connect(): Promise<Connection>;
}

/** Runs a command's handler, which answers with the exit code, and tells what it throws. */
export type Run = (handler: (session: Session) => Promise<number>) => Promise<void>;
