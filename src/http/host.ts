import { realpathSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type Client, createClient } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent } from '../contract/events.ts';
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
import { openLedger } from '../store/ledger.ts';
import { configHome, dataDirOf, ledgerDir as ledgerDirOf } from '../store/paths.ts';
import { openStore } from '../store/store.ts';
import { fileVault } from '../store/vault.ts';
import { createApp } from './app.ts';
import { firstProvider, readEnvironment } from './environment.ts';
import { close, listen } from './listen.ts';
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

/** How long requests that are under way may take to end when the server stops, in milliseconds. */
const stopGrace = 1_000;

/**
 * Starts a server: claims the data directory, binds the port, opens the core behind it, tells where it is.
 *
 * @throws GimoError `not_writer` if another server holds the directory, `conflict_state` if the port is taken,
 *   `validation_error` for settings that cannot be used, and what the store throws
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const headless = options.hostedBy === 'headless';
  const environment = readEnvironment(headless ? options.env : {});
  const first = firstProvider(options.env);
  const dataDir = dataDirOf(realRoot(options.root));
  const ledgerDir = ledgerDirOf(configHome(options.env), dataDir);
  const undo: (() => Promise<void>)[] = [];
  /** Undoes in reverse order whatever has been begun. */
  const unwind = async () => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  let core: Core | undefined;
  /** The claim was lost: what says where the server is belongs to another now. */
  let gone = false;
  const logger = redacting(options.logger, () => core);
  try {
    const ledger = await openLedger({ dir: ledgerDir, dataDir });
    const claim = await claimDataDir({
      ...{ dataDir, ledgerDir, takeOver: options.takeOver ?? false },
      onLost: (reason) => lost(reason),
    });
    undo.push(() => claim.release());
    const fence = () => claim.fence();
    ledger.setFence(fence);
    const vault = options.vault ?? fileVault(ledgerDir);
    const tokens = await openTokens(environment.tokens, vault, ledger);

    let handle: RequestListener = starting;
    const server = createServer((request, response) => handle(request, response));
    const port = await listen(server, options.port);
    undo.push(() => close(server, stopGrace));

    const store = await openStore({ dataDir, fence, logger });
    undo.push(() => store.close());
    const auditFile = await openAuditFile({
      ...{ dir: `${dataDir}/ops/audit`, ledger, fence, logger },
    });
    undo.push(() => auditFile.close());
    const models = createModels({ facts: createRepoFacts(realRoot(options.root)) });
    const shutdown = new AbortController();
    const facts = {
      ...{ version: options.version, pid: process.pid, dataDir, epoch: claim.epoch },
      ...{ startedAt: Date.now(), hostedBy: options.hostedBy },
    };
    core = await openCore({
      ...{ store, ledger, auditFile, vault, models, logger, facts },
      clock: { now: () => Date.now() },
      env: options.env,
      firstProvider: first,
      tokens: () => tokens.values(),
      shutdown: shutdown.signal,
      worker: (book, settings, redactor) => {
        const worker = createWorker({
          book,
          executors: [createPromptExecutor(models, redactor)],
          limits: () => ({
            concurrent: settings.config().max_concurrent_runs,
            runTimeout: settings.config().run_timeout_s,
          }),
          logger,
        });
        undo.push(async () => {
          shutdown.abort(new GimoError('not_writer', 'The server is stopping. Try again later.'));
          await worker.stop();
        });
        return worker;
      },
    });
    const open: Core = core;
    handle = createApp({
      ...{ core: open, ledger, logger },
      authenticate: (token) => authenticate(tokens, token),
      port: () => port,
      ...environment,
    });
    const url = `http://127.0.0.1:${port}`;
    await announce({ ledgerDir, url, claim, options, adminToken: tokens.get('admin') });
    undo.push(async () => {
      if (!gone) await writeServer(ledgerDir, serverInfo(url, claim, options, true), fence);
    });
    return {
      ...{ url, port, pid: process.pid, dataDir, ledgerDir, epoch: claim.epoch },
      client: directClient(open, options.installId ?? ledgerDir),
      onChange: open.subscribe,
      token: (role) => tokens.get(role) ?? '',
      stop: unwind,
    };
  } catch (error) {
    await unwind();
    throw error;
  }

  /** Another server has the directory now: whatever is under way here ends, and nothing is written any more. */
  function lost(reason: GimoError) {
    logger.log('error', reason.message);
    gone = true;
    unwind().then(
      () => options.onStopped?.(reason.message),
      (error: unknown) => options.onStopped?.(`${reason.message} ${String(error)}`),
    );
  }
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
const starting: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'application/json' });
  const detail = 'The server is starting. Try again in a moment.';
  response.end(JSON.stringify({ detail, code: 'not_writer', correlation_id: 'starting' }));
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
