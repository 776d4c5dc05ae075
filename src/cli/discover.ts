import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeyPurpose } from '../core/ledger-ports.ts';
import { hasCode } from '../core/system-error.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** What the ledger notes about a server. `stopped` is set once it was stopped on purpose. */
export interface ServerNote {
  url: string;
  hosted_by: string;
  stopped: boolean;
}

/** The ledger's HMAC, in lower-case hex. */
export type Mac = (purpose: KeyPurpose, data: string) => string;

/** How the ledger is found and read; the store has all of it. */
export interface LedgerReader {
  configHome(env: Env): string;
  dataDirOf(root: string): string;
  ledgerDir(home: string, dataDir: string): string;
  readServer(ledgerDir: string): Promise<ServerNote | null>;
  readCliToken(ledgerDir: string): Promise<string | null>;
  readLedgerMac(ledgerDir: string): Promise<Mac | null>;
}

/** What the ledger tells a client about the server of a workspace. */
export interface Discovered {
  /** The server that was noted last, or null if there never was one. */
  server: ServerNote | null;
  /** The token for the command line, or null if none was put there. */
  token: string | null;
  /** Null if the ledger has no key yet. */
  mac: Mac | null;
}

/** Reads what the ledger tells about a workspace's server. Null without a data directory; creates nothing. */
export async function discover(
  reader: LedgerReader,
  root: string,
  env: Env,
): Promise<Discovered | null> {
  const dataDir = reader.dataDirOf(root);
  if (!(await isDirectory(dataDir))) return null;
  const ledger = reader.ledgerDir(reader.configHome(env), dataDir);
  const [server, token, mac] = await Promise.all([
    reader.readServer(ledger),
    reader.readCliToken(ledger),
    reader.readLedgerMac(ledger),
  ]);
  return { server, token, mac };
}

/** The nearest folder above one that a server was started for, and what is noted of it; null if there is none. */
export async function serverAbove(
  reader: LedgerReader,
  root: string,
  env: Env,
): Promise<{ root: string; server: ServerNote } | null> {
  const above = dirname(root);
  if (above === root) return null;
  const server = await noteOf(reader, above, env);
  return server === null ? serverAbove(reader, above, env) : { root: above, server };
}

/** What is noted of a folder's server; of a folder that may not be looked into, nothing. */
async function noteOf(reader: LedgerReader, root: string, env: Env): Promise<ServerNote | null> {
  try {
    return (await discover(reader, root, env))?.server ?? null;
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return null;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
