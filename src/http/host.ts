import type { Client } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent } from '../contract/events.ts';
import type { Core } from '../core/core.ts';
import { together } from '../core/patience.ts';
import type { Logger } from '../core/ports.ts';
import type { TokenRole } from '../core/principals.ts';
import { claimWithin } from '../store/claim-wait.ts';
import { type LedgerFiles, openLedger } from '../store/ledger.ts';
import { fileVault } from '../store/vault.ts';
import { createAnnouncer, type Ending } from './announce.ts';
import { createApp } from './app.ts';
import { openBehind, openDurable } from './behind.ts';
import { type CommandLine, createCommandLine } from './commandLine.ts';
import { directClient } from './direct.ts';
import { openDoor } from './door.ts';
import { firstProvider, readEnvironment } from './environment.ts';
import { type JoinOptions, joinServer } from './join.ts';
import { createLifetime, type Lifetime } from './lifetime.ts';
import type { HostOptions } from './options.ts';
import { type Places, placesOf } from './places.ts';
import type { Served } from './served.ts';
import { createSessions, withSessions } from './sessions.ts';
import { type ClaimWait, type OpenHost, supervise } from './supervise.ts';
import { openTokens } from './tokens.ts';
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
  const places = placesOf(options);
  const { dataDir, ledgerDir } = places;
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
    const takeOver = options.takeOver ?? false;
    const { ledger, epoch, fence } = await claimLedger({
      ...{ places, takeOver, onLost, wait, lifetime },
    });
    const vault = options.vault ?? fileVault(ledgerDir);
    const { hostedBy: hosted_by, version } = options;
    const announcer = createAnnouncer({
      ...{ ledgerDir, server: { epoch, hosted_by, version }, fence, logger },
    });
    const port = () => door.port;
    const sessions = createSessions(ledger, () => `127.0.0.1:${port()}`);
    const [ours, door, durable] = await together([
      openTokens({
        ...{ given, vault, ledger, rotated: announcer.rotated },
        madeAnew: options.tokensMadeAnew,
      }),
      openDoor(options.port).then((opened) => {
        lifetime.add(() => opened.close());
        return opened;
      }),
      openDurable({ dataDir, lifetime, ledger, fence, logger, ...limits }),
    ]);
    const tokens = withSessions(ours, sessions);

    const shutdown = new AbortController();
    const streams = new AbortController();
    const opened = await openBehind({
      ...{ ...places, options, lifetime, ledger, fence, vault, tokens, durable, logger },
      ...{ epoch, control },
      ...{ url: door.url, firstProvider: first, shutdown: shutdown.signal },
      ...limits,
    });
    core = opened;
    lifetime.add(() => opened.tidied());
    lifetime.add(keepTidy(opened.cleanUp, logger));
    door.answer(
      createApp({
        ...{ core: opened, ledger, logger, epoch, stopping: streams.signal, tokens, sessions },
        ...{ port, publicUrl: options.publicUrl, version, rate: limits.rate },
        corsOrigins: () => [...limits.corsOrigins, ...(options.corsOrigins?.() ?? [])],
      }),
    );
    // Requests end before what they stand on: first those that would wait for ever, then all. What is nearly done is
    // answered; what waits for a model or a person is told, after a moment, that the server stops.
    lifetime.add(() => door.close(() => shutdown.abort(stopping())));
    lifetime.add(async () => streams.abort());

    await announcer.listening(door.url, tokens.of('admin'));
    let why: Ending = 'stop';
    lifetime.add(async () => {
      if (!gone) await announcer.ended(why);
    });
    return {
      ...{ url: door.url, port: door.port, pid: process.pid, dataDir, ledgerDir, epoch },
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

/** Opens the ledger and claims the data directory. From then on nothing is written in either without the claim. */
async function claimLedger(given: {
  places: Places;
  takeOver: boolean;
  onLost: (reason: GimoError) => void;
  wait: ClaimWait;
  lifetime: Lifetime;
}): Promise<{ ledger: LedgerFiles; epoch: number; fence: () => void }> {
  const { takeOver, onLost, wait, lifetime } = given;
  const { dataDir, ledgerDir } = given.places;
  const ledger = await openLedger({ dir: ledgerDir, dataDir });
  const { patience = 0, waiting, claimed } = wait;
  const claim = await claimWithin(patience, { dataDir, ledgerDir, takeOver, onLost }, waiting);
  lifetime.add(() => claim.release());
  await claimed?.();
  const fence = () => claim.fence();
  ledger.setFence(fence);
  return { ledger, epoch: claim.epoch, fence };
}

const stopping = () => new GimoError('not_writer', 'The server is stopping. Try again later.');

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
