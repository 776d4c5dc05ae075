import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { type Client, createClient } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent } from '../contract/events.ts';
import type { ProviderConfig } from '../contract/records.ts';
import { type Core, openCore } from '../core/core.ts';
import type { Logger, SecretVault } from '../core/ports.ts';
import { authenticate, principalOf, type TokenRole } from '../core/principals.ts';
import { createPromptExecutor } from '../execution/prompt.ts';
import { createWorker } from '../execution/worker.ts';
import { createModels } from '../providers/models.ts';
import { createRepoFacts } from '../repo/facts.ts';
import { openAuditFile } from '../store/auditfile.ts';
import { type Claim, claimDataDir } from '../store/claim.ts';
import { writeCliToken, writeServer } from '../store/discovery.ts';
import { type LedgerFiles, openLedger } from '../store/ledger.ts';
import { configHome, dataDirOf, ledgerDir as ledgerDirOf } from '../store/paths.ts';
import { openStore } from '../store/store.ts';
import { fileVault } from '../store/vault.ts';
import { createApp } from './app.ts';
import { firstProvider, readEnvironment } from './environment.ts';
import { createLifetime, type Lifetime } from './lifetime.ts';
import { close, listen } from './listen.ts';
import { acceptedCorrelationId } from './rules.ts';
import { openTokens } from './tokens.ts';

export interface HostOptions {
  /** The workspace folder. */
  root: string;
  /** Exactly this port (0: any), or with `prefer` this one if it is free. */
  port: number | { prefer: number };
  hostedBy: 'editor' | 'headless';
  version: string;
  /** `GIMO_CONFIG_HOME` and what provider keys refer to; headless also the `ORCH_*` names. */
  env: Readonly<Record<string, string | undefined>>;
  logger: Logger;
  /** Where tokens and keys are kept; 0600 files of the ledger if left out. */
  vault?: SecretVault;
  /** Identifies the installation in the audit log; only its hash is kept. */
  installId?: string;
  /** Takes the data directory over from another host. Only ever at a person's word. */
  takeOver?: boolean;
  /** Told once when the server stops of its own accord. */
  onStopped?: (reason: string) => void;
}

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
  /** Stops cleanly: runs are left where the next start can take them up. */
  stop(): Promise<void>;
}

/**
 * A prompt of 8,000 characters may stand in the query of POST /ops/generate: 72,000 bytes when each takes three bytes of
 * UTF-8. A request without a Host header is answered by our own check, in the shape that errors have.
 */
const serverOptions: ServerOptions = { maxHeaderSize: 98_304, requireHostHeader: false };

/** How long requests that are under way may take to end when the server stops, in milliseconds. */
const stopGrace = 1_000;

/**
 * Starts a server: claims the data directory, binds the port, opens the core behind it, tells where it is.
 *
 * @throws GimoError `not_writer` if another server holds the directory, `conflict_state` if the port is taken,
 *   `validation_error` for settings that cannot be used, and what the store throws
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const environment = readEnvironment(options.hostedBy === 'headless' ? options.env : {});
  const first = firstProvider(options.env);
  const root = realRoot(options.root);
  const dataDir = dataDirOf(root);
  const ledgerDir = ledgerDirOf(configHome(options.env), dataDir);
  const lifetime = createLifetime();
  let core: Core | undefined;
  /** The claim was lost: what says where the server is belongs to another now. */
  let gone = false;
  const logger = redacting(options.logger, () => core);
  /** Another server has the directory: whatever is under way here ends, and nothing is written any more. */
  const lost = (reason: GimoError) => {
    logger.log('error', reason.message);
    gone = true;
    lifetime.end().then(
      () => options.onStopped?.(reason.message),
      (error: unknown) => options.onStopped?.(`${reason.message} ${String(error)}`),
    );
  };
  try {
    const ledger = await openLedger({ dir: ledgerDir, dataDir });
    const takeOver = options.takeOver ?? false;
    const claim = await claimDataDir({ dataDir, ledgerDir, takeOver, onLost: lost });
    lifetime.add(() => claim.release());
    const fence = () => claim.fence();
    ledger.setFence(fence);
    const vault = options.vault ?? fileVault(ledgerDir);
    const tokens = await openTokens(environment.tokens, vault, ledger);

    let handle: RequestListener = starting;
    const server = createServer(serverOptions, (request, response) => handle(request, response));
    const port = await listen(server, options.port);
    const closeServer = () => close(server, stopGrace);
    lifetime.add(closeServer);

    const shutdown = new AbortController();
    const { epoch } = claim;
    const opened = await openBehind({
      ...{ root, dataDir, options, lifetime, ledger, fence, vault, tokens, logger, epoch },
      ...{ firstProvider: first, shutdown: shutdown.signal },
    });
    core = opened;
    handle = createApp({
      ...{ core: opened, ledger, logger, epoch, stopping: shutdown.signal },
      authenticate: (token) => authenticate(tokens, token),
      port: () => port,
      ...environment,
    });
    // Requests end before what they stand on: first those that would wait for ever, then all.
    lifetime.add(closeServer);
    lifetime.add(async () => shutdown.abort(stopping()));
    const url = `http://127.0.0.1:${port}`;
    await announce({ ledgerDir, url, claim, options, adminToken: tokens.get('admin') });
    lifetime.add(async () => {
      if (!gone) await writeServer(ledgerDir, serverInfo(url, claim, options, true), fence);
    });
    return {
      ...{ url, port, pid: process.pid, dataDir, ledgerDir, epoch },
      client: directClient(opened, options.installId ?? ledgerDir),
      onChange: opened.subscribe,
      token: (role) => tokens.get(role) ?? '',
      stop: () => lifetime.end(),
    };
  } catch (error) {
    await lifetime.end();
    throw error;
  }
}

const stopping = () => new GimoError('not_writer', 'The server is stopping. Try again later.');

/** Opens what stands behind the port: store, audit, models, the core, and the worker that carries out its runs. */
async function openBehind(given: {
  root: string;
  dataDir: string;
  epoch: number;
  options: HostOptions;
  lifetime: Lifetime;
  ledger: LedgerFiles;
  fence: () => void;
  vault: SecretVault;
  tokens: ReadonlyMap<TokenRole, string>;
  logger: Logger;
  firstProvider: ProviderConfig;
  shutdown: AbortSignal;
}): Promise<Core> {
  const { root, dataDir, epoch, options, lifetime, ledger, fence, tokens, logger } = given;
  const store = await openStore({ dataDir, fence, logger });
  lifetime.add(() => store.close());
  const dir = `${dataDir}/ops/audit`;
  const auditFile = await openAuditFile({ dir, ledger, fence, logger });
  lifetime.add(() => auditFile.close());
  const models = createModels({ facts: createRepoFacts(root) });
  return openCore({
    ...{ store, ledger, auditFile, models, logger, env: options.env, vault: given.vault },
    ...{ firstProvider: given.firstProvider, shutdown: given.shutdown },
    facts: {
      ...{ version: options.version, pid: process.pid, dataDir, epoch },
      ...{ startedAt: Date.now(), hostedBy: options.hostedBy },
    },
    clock: { now: () => Date.now() },
    tokens: () => tokens.values(),
    worker: (book, settings, redactor) => {
      const worker = createWorker({
        ...{ book, logger, executors: [createPromptExecutor(models, redactor)] },
        limits: () => ({
          concurrent: settings.config().max_concurrent_runs,
          runTimeout: settings.config().run_timeout_s,
        }),
      });
      lifetime.add(() => worker.stop());
      return worker;
    },
  });
}

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
const starting: RequestListener = (request, response) => {
  const given = request.headers['x-correlation-id'];
  const id = acceptedCorrelationId(typeof given === 'string' ? given : undefined) ?? randomUUID();
  response.writeHead(503, {
    ...{ 'Retry-After': '1', 'Content-Type': 'application/json', 'X-Correlation-ID': id },
  });
  const detail = 'The server is starting. Try again in a moment.';
  response.end(JSON.stringify({ detail, code: 'not_writer', correlation_id: id }));
};

const serverInfo = (url: string, claim: Claim, options: HostOptions, stopped: boolean) => ({
  ...{ url, pid: process.pid, epoch: claim.epoch, hosted_by: options.hostedBy },
  ...{ started_at: new Date().toISOString(), version: options.version, stopped },
});

/** Tells clients of this machine where the server is; headless, the command line gets the admin token as well. */
async function announce(told: {
  ledgerDir: string;
  url: string;
  claim: Claim;
  options: HostOptions;
  adminToken: string | undefined;
}) {
  const { ledgerDir, url, claim, options, adminToken } = told;
  if (options.hostedBy === 'headless' && adminToken !== undefined)
    await writeCliToken(ledgerDir, adminToken);
  await writeServer(ledgerDir, serverInfo(url, claim, options, false), () => claim.fence());
}

/** The client of the window that hosts the server: no HTTP, the same gate. */
function directClient(core: Core, installId: string): Client {
  const principal = principalOf('editor', installId);
  return createClient({
    send: (id, args, { correlationId, ifMatch }) =>
      core.dispatch(id, args, {
        principal,
        correlationId: correlationId ?? crypto.randomUUID(),
        source: 'editor',
        ifMatch,
      }),
  });
}
