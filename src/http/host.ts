import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { type Client, createClient } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent } from '../contract/events.ts';
import type { Core } from '../core/core.ts';
import type { Logger } from '../core/ports.ts';
import { principalOf, type TokenRole } from '../core/principals.ts';
import { claimWithin } from '../store/claim-wait.ts';
import { openLedger } from '../store/ledger.ts';
import { configHome, dataDirOf, ledgerDir as ledgerDirOf } from '../store/paths.ts';
import { fileVault } from '../store/vault.ts';
import { createAnnouncer, type Ending } from './announce.ts';
import { createApp } from './app.ts';
import { openBehind } from './behind.ts';
import { type CommandLine, createCommandLine } from './commandLine.ts';
import { firstProvider, readEnvironment } from './environment.ts';
import { type JoinOptions, joinServer } from './join.ts';
import { createLifetime } from './lifetime.ts';
import { close, listen } from './listen.ts';
import type { HostOptions } from './options.ts';
import { refuseAll } from './refusing.ts';
import type { Served } from './served.ts';
import { createSessions, withSessions } from './sessions.ts';
import { type OpenHost, supervise } from './supervise.ts';
import { openTokens } from './tokens.ts';
import { answerUnreadable } from './unreadable.ts';
import { keepTidy } from './upkeep.ts';

export interface Host {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  readonly ledgerDir: string;
  readonly epoch: number;
  /** The typed client over the direct transport, as principal `editor`. */
  readonly client: Client;
  /** @returns a function that ends the subscription */
  onChange(listener: (event: ChangeEvent) => void): () => void;
  token(role: TokenRole): string;
  /** Whether the command line has the operator token. */
  readonly commandLine: CommandLine;
  /** Stops cleanly: runs are left where the next start can take them up. On purpose, unless it is told otherwise. */
  stop(why?: Ending): Promise<void>;
}

/**
 * A prompt of 8,000 characters may stand in the query of POST /ops/generate: 72,000 bytes when each takes three bytes of
 * UTF-8. A request without a Host header is answered by our own check, in the shape that errors have.
 */
const serverOptions: ServerOptions = { maxHeaderSize: 98_304, requireHostHeader: false };

/** How long requests that are under way may take to end when the server stops, in milliseconds. */
const stopGrace = 1_000;

/**
 * Starts a server, and starts it again in this process whenever it is asked to.
 *
 * @throws GimoError what the first start throws, see {@link openHost}
 */
export const startHost = (options: HostOptions): Promise<Host> => supervise(options, openHost);

/**
 * Hosts the server of an editor's window, or attaches to the one that its folder has already.
 *
 * @throws GimoError what {@link joinServer} throws
 */
export const hostOrAttach = (options: JoinOptions): Promise<Served | null> =>
  joinServer(options, startHost);

/**
 * Opens one server: claims the data directory, binds the port, opens the core behind it, tells where it is.
 *
 * @throws GimoError `not_writer` if another server holds the directory, `conflict_state` if the port is taken,
 *   `validation_error` for settings that cannot be used, and what the store throws
 */
const openHost: OpenHost = async (options, control, lost, wait) => {
  const { tokens: given, ...limits } = readEnvironment(
    options.hostedBy === 'headless' ? options.env : {},
  );
  const first = firstProvider(options.env, options.firstProvider);
  const root = realRoot(options.root);
  const dataDir = options.dataDir ?? dataDirOf(root);
  const ledgerDir = ledgerDirOf(configHome(options.env), dataDir);
  const lifetime = createLifetime();
  let core: Core | undefined;
  /** The claim was lost: what says where the server is belongs to another now. */
  let gone = false;
  const logger = redacting(options.logger, () => core);
  /** Another server has the directory: whatever is under way here ends, and nothing is written any more. */
  const onLost = (reason: GimoError) => {
    logger.log('error', reason.message);
    gone = true;
    lifetime.end().then(
      () => lost(reason.message),
      (error: unknown) => lost(`${reason.message} ${String(error)}`),
    );
  };
  try {
    const ledger = await openLedger({ dir: ledgerDir, dataDir });
    const takeOver = options.takeOver ?? false;
    const { patience = 0, waiting, claimed } = wait;
    const claim = await claimWithin(patience, { dataDir, ledgerDir, takeOver, onLost }, waiting);
    lifetime.add(() => claim.release());
    await claimed?.();
    const fence = () => claim.fence();
    ledger.setFence(fence);
    const vault = options.vault ?? fileVault(ledgerDir);
    const { hostedBy: hosted_by, version } = options;
    const announcer = createAnnouncer({
      ...{ ledgerDir, server: { epoch: claim.epoch, hosted_by, version }, fence, logger },
    });
    const sessions = createSessions(ledger, () => `127.0.0.1:${port}`);
    const tokens = withSessions(
      await openTokens({
        ...{ given, vault, ledger, rotated: announcer.rotated },
        madeAnew: options.tokensMadeAnew,
      }),
      sessions,
    );

    let handle: RequestListener = starting;
    const server = createServer(serverOptions, (request, response) => handle(request, response));
    answerUnreadable(server);
    const port = await listen(server, options.port);
    const url = `http://127.0.0.1:${port}`;
    const closeServer = () => close(server, stopGrace);
    lifetime.add(closeServer);

    const shutdown = new AbortController();
    const { epoch } = claim;
    const opened = await openBehind({
      ...{ root, dataDir, options, lifetime, ledger, fence, vault, tokens, logger, epoch, control },
      url,
      reading: limits.reading,
      auditMaxBytes: limits.auditMaxBytes,
      ...{ firstProvider: first, shutdown: shutdown.signal },
      runTtlSeconds: limits.runTtlSeconds,
    });
    core = opened;
    lifetime.add(() => opened.tidied());
    lifetime.add(keepTidy(opened.cleanUp, logger));
    handle = createApp({
      ...{ core: opened, ledger, logger, epoch, stopping: shutdown.signal },
      ...{ tokens, sessions },
      port: () => port,
      publicUrl: options.publicUrl,
      version: options.version,
      ...limits,
      corsOrigins: () => [...limits.corsOrigins, ...(options.corsOrigins?.() ?? [])],
    });
    // Requests end before what they stand on: first those that would wait for ever, then all.
    lifetime.add(closeServer);
    lifetime.add(async () => shutdown.abort(stopping()));
    await announcer.listening(url, tokens.of('admin'));
    let why: Ending = 'stop';
    lifetime.add(async () => {
      if (!gone) await announcer.ended(why);
    });
    return {
      ...{ url, port, pid: process.pid, dataDir, ledgerDir, epoch },
      client: directClient(opened, options.installId ?? ledgerDir),
      onChange: opened.subscribe,
      token: tokens.of,
      commandLine: createCommandLine({
        ...{ ledgerDir, operatorToken: () => tokens.of('operator'), audited: opened.audited },
      }),
      stop(reason = 'stop') {
        why = reason;
        return lifetime.end();
      },
    };
  } catch (error) {
    await lifetime.end();
    throw error;
  }
};

const stopping = () => new GimoError('not_writer', 'The server is stopping. Try again later.');

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (cause) {
    throw new GimoError('validation_error', `There is no folder "${root}". Name one that exists.`, {
      cause,
    });
  }
}

/** Everything that goes into the program's log passes the redactor, as soon as there is one. */
function redacting(logger: Logger, core: () => Core | undefined): Logger {
  const redact = (value: unknown) =>
    typeof value === 'string' ? (core()?.redactor.redact(value) ?? value) : value;
  return {
    log(level, message, fields = {}) {
      const clean = Object.entries(fields).map(([key, value]) => [key, redact(value)] as const);
      logger.log(level, String(redact(message)), Object.fromEntries(clean));
    },
  };
}

/** Answers requests that arrive between the port and the core. */
const starting = refuseAll('The server is starting. Try again in a moment.', 1);

/** The client of the window that hosts the server: no HTTP, the same gate. */
function directClient(core: Core, installId: string): Client {
  const principal = principalOf('editor', installId);
  return createClient({
    async send(id, args, { correlationId = randomUUID(), ifMatch, idempotencyKey }) {
      const caller = {
        principal,
        correlationId,
        source: 'editor' as const,
        ifMatch,
        idempotencyKey,
      };
      try {
        return await core.dispatch(id, args, caller);
      } catch (error) {
        if (!GimoError.is(error)) await core.panic.unhandledError(correlationId);
        throw error;
      }
    },
  });
}
