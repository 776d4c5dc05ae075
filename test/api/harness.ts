import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { LogLevel } from '../../src/core/ports.ts';
import type { TokenRole } from '../../src/core/principals.ts';
import { type Host, startHost } from '../../src/http/host.ts';
import type { HostOptions } from '../../src/http/options.ts';

/*
 * The real server on a free port of 127.0.0.1, over a workspace and a ledger of its own in a temporary directory.
 *
 *   const server = await startServer();                       // stopped and deleted when the test has finished
 *   const made = await server.request('POST', '/ops/drafts', { role: 'admin', body: { prompt: 'x' } });
 *   expect(made.status).toBe(201);
 *   const again = await server.restart();                     // the same directory, the same ledger
 */

export interface StartOptions extends Partial<Omit<HostOptions, 'logger'>> {
  /** A directory with `work/` and `config/` that is there already, to start on it again. */
  dir?: string;
  /** The caller disposes of it, instead of the end of the test: for a server that a whole file shares. */
  keep?: boolean;
}

export interface RequestOptions {
  token?: string | undefined;
  /** Sends the token that the server has for this role. */
  role?: TokenRole | undefined;
  /** A string or bytes go as they are, anything else as JSON. The type is `application/json` unless headers say more. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; null if the body is something else. */
  body: unknown;
  text: string;
}

export interface LogLine {
  level: LogLevel;
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

export interface TestServer {
  readonly host: Host;
  readonly dir: string;
  /** The workspace folder. */
  readonly root: string;
  readonly configHome: string;
  /** What the server logged, in order. */
  readonly lines: LogLine[];
  /** The first line like this, now or later. */
  whenLogged(wanted: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends the path exactly as it is given: nothing is normalized on the way. */
  request(method: string, path: string, options?: RequestOptions): Promise<Reply>;
  /** Stops it and starts another on the same directory. */
  restart(options?: StartOptions): Promise<TestServer>;
  /** Stops it and deletes its directory. */
  dispose(): Promise<void>;
}

/** Starts a server. Rates are not limited, and the offline provider is set up, unless `env` says otherwise. */
export async function startServer(options: StartOptions = {}): Promise<TestServer> {
  const { dir: given, keep = false, env = {}, ...rest } = options;
  const dir = given ?? (await mkdtemp(join(tmpdir(), 'gimo-api-')));
  const root = join(dir, 'work');
  const configHome = join(dir, 'config');
  await mkdir(root, { recursive: true });
  const lines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  let host: Host | undefined;
  const dispose = async () => {
    await host?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  // Before the start, so that a refused start leaves nothing behind.
  if (!keep) onTestFinished(dispose);
  const running = await startHost({
    root,
    port: 0,
    hostedBy: 'headless',
    version: '0.0.0-test',
    logger: {
      log(level, message, fields = {}) {
        const line = { level, message, fields };
        lines.push(line);
        for (const look of waiting) look(line);
      },
    },
    ...rest,
    env: {
      GIMO_CONFIG_HOME: configHome,
      GIMO_FIRST_PROVIDER: 'offline',
      ORCH_RATE_LIMIT_PER_MIN: '1000000',
      ...env,
    },
  });
  host = running;
  return {
    ...{ host: running, dir, root, configHome, lines, dispose },
    request: (method, path, sent = {}) => send(running, method, path, sent),
    whenLogged: (wanted) =>
      new Promise((resolve) => {
        const look = (line: LogLine) => {
          if (!wanted(line)) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        for (const line of lines) look(line);
      }),
    async restart(more = {}) {
      await running.stop();
      return startServer({ ...options, ...more, dir });
    },
  };
}

async function send(
  host: Host,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<Reply> {
  const { body, role, token = role === undefined ? undefined : host.token(role) } = options;
  const raw =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array
      ? body
      : JSON.stringify(body);
  const request = httpRequest({
    ...{ host: '127.0.0.1', port: host.port, method, path },
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(raw === undefined
        ? {}
        : {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(raw)),
          }),
      ...options.headers,
    },
    agent: false,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  request.end(raw);
  return replyOf(await answered);
}

/** Reads a response to its end. */
export async function replyOf(response: IncomingMessage): Promise<Reply> {
  const text = await readText(response);
  const isJson = response.headers['content-type']?.startsWith('application/json') === true;
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : null;
  return { status: response.statusCode ?? 0, headers: response.headers, body, text };
}
