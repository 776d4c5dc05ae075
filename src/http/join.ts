import { setTimeout as delay } from 'node:timers/promises';
import { attach } from '../client/attach.ts';
import { openAttached } from '../client/attached.ts';
import { httpTransport } from '../client/http.ts';
import { isNetworkError } from '../client/network.ts';
import { demandProof, portOf } from '../client/prove.ts';
import { GimoError } from '../contract/errors.ts';
import { sha256 } from '../core/hash.ts';
import type { TokenRole } from '../core/principals.ts';
import { readServer, type ServerInfo } from '../store/discovery.ts';
import { readLedgerMac } from '../store/proof.ts';
import type { Host } from './host.ts';
import type { HostOptions } from './options.ts';
import { type Places, placesOf } from './places.ts';
import type { Served } from './served.ts';
import { vaultName } from './tokens.ts';

/** What a window joins the server of its folder with. */
export interface JoinOptions extends Omit<HostOptions, 'onStopped' | 'onLost'> {
  installId: string;
  /**
   * Whether the server that this window worked on went away, and the window takes over unless somebody else does.
   * Without, a person wants the server, and whoever is in the way is waited for only as long as a predecessor takes to
   * stop.
   */
  again: boolean;
  /** Ends the looking for a server. */
  signal: AbortSignal;
  /** Told once: the server was `stopped`, by whomever; or it is `gone`, and the window should join again. */
  onEnded: (how: 'stopped' | 'gone', reason: string) => void;
}

/** Milliseconds that one's own predecessor may take to stop, after a reload. */
const predecessorMs = 6_000;
/** Milliseconds that others wait for a server that is being started again. */
const restartMs = 10_000;
/** Milliseconds between two looks at first, and once it takes longer than usual. */
const [soon, later] = [200, 2_000];

/**
 * Hosts the server of a folder, or attaches to the one that another window or `gimo serve` hosts. Whoever claims the data
 * directory serves, so of several that try at once exactly one does; the others find it through the ledger.
 *
 * @returns null if the server was stopped on purpose meanwhile, and this window is only to take over
 * @throws GimoError `not_writer` if somebody has the directory who does not answer, and what `startHost` throws
 */
export async function joinServer(
  options: JoinOptions,
  startHost: (options: HostOptions) => Promise<Host>,
): Promise<Served | null> {
  const { again, signal, logger } = options;
  const places = placesOf(options);
  const began = performance.now();
  for (let told = false; ; ) {
    signal.throwIfAborted();
    const note = await readServer(places.ledgerDir);
    if (again && note?.stopped === true) return null;
    const waited = performance.now() - began;
    const restarting = again && note?.restarting === true && waited < restartMs;
    const refused = restarting ? null : await orRefused(host(options, note, startHost));
    if (refused !== null && !GimoError.is(refused)) return refused;
    const attached = await attachTo(note, places, options);
    if (attached !== null) return attached;
    if (refused !== null && !again && waited > predecessorMs) throw refused;
    if (refused !== null && waited > predecessorMs && !told) {
      logger.log('warn', `${refused.message} It does not answer, so this window waits for it.`);
      told = true;
    }
    await delay(waited < predecessorMs ? soon : later, undefined, { signal });
  }
}

/** What was made, or the refusal because somebody else has the directory. */
async function orRefused<T>(made: Promise<T>): Promise<T | GimoError> {
  try {
    return await made;
  } catch (error) {
    if (GimoError.is(error, 'not_writer')) return error;
    throw error;
  }
}

async function host(
  options: JoinOptions,
  note: ServerInfo | null,
  startHost: (options: HostOptions) => Promise<Host>,
): Promise<Served> {
  const { again, onEnded, port } = options;
  const before = again && note !== null ? portOf(note.url) : null;
  const found = await startHost({
    ...options,
    // Clients know the port of the server that this one takes over from.
    port: typeof port === 'object' && before !== null ? { prefer: before } : port,
    onStopped: (reason) => onEnded('stopped', reason),
    onLost: (reason) => onEnded('gone', reason),
  });
  const { url, port: bound, dataDir, ledgerDir, client, onChange } = found;
  return {
    ...{ url, port: bound, dataDir, ledgerDir, client, onChange, attached: false },
    token: async (role) => found.token(role),
    get commandLine() {
      return found.commandLine;
    },
    stop: () => found.stop(),
    leave: () => found.stop('leave'),
  };
}

/** @returns null if the server that is noted cannot be reached now */
async function attachTo(
  note: ServerInfo | null,
  { dataDir, ledgerDir }: Places,
  options: JoinOptions,
): Promise<Served | null> {
  const port = note === null || note.stopped ? null : portOf(note.url);
  const mac = port === null ? null : await readLedgerMac(ledgerDir);
  if (port === null || mac === null || (await demandProof(port, mac)) !== 'proved') return null;
  const { logger, onEnded, vault } = options;
  try {
    const { token } = await attach(port, sha256(options.installId), mac);
    const opened = await openAttached({
      ...{ port, token, mac },
      ended: (reason) => onEnded('gone', reason),
      failed: (error) => logger.log('error', `a listener failed: ${String(error)}`),
    });
    const url = `http://127.0.0.1:${port}`;
    const { client, onChange, close } = opened;
    return {
      ...{ url, port, dataDir, ledgerDir, client, onChange },
      attached: true,
      commandLine: null,
      token: (role) => copyOf(role, vault, url),
      async stop() {
        await client.call('stopService', {});
        close();
      },
      leave: async () => close(),
    };
  } catch (error) {
    if (passes(error)) return null;
    throw error;
  }
}

/** Whether what was thrown while attaching may be over soon: the server went away, or is still starting. */
function passes(error: unknown): boolean {
  if (error instanceof DOMException && error.name === 'TimeoutError') return true;
  if (isNetworkError(error)) return true;
  return (['not_writer', 'rate_limited', 'stale', 'token_invalid'] as const).some((code) =>
    GimoError.is(error, code),
  );
}

/** The token of a role that windows share: of a server in another one it is in the same secret storage, if in any. */
async function copyOf(role: TokenRole, vault: HostOptions['vault'], url: string): Promise<string> {
  const token = await vault?.get(vaultName(role));
  if (token !== undefined && (await isInForce(url, token))) return token;
  throw new GimoError(
    'not_found',
    'This window works on the server of another one, and has no copy of its tokens. Copy the token in the window that hosts the server, or where gimo serve was started.',
  );
}

async function isInForce(url: string, token: string): Promise<boolean> {
  try {
    await httpTransport(url, token).send('getStatus', {}, {});
    return true;
  } catch (error) {
    if (GimoError.is(error, 'token_invalid')) return false;
    throw error;
  }
}
