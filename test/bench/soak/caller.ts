import { attach } from '../../../src/client/attach.ts';
import { createClient } from '../../../src/client/client.ts';
import { watchEvents } from '../../../src/client/events.ts';
import { httpTransport } from '../../../src/client/http.ts';
import { isNetworkError } from '../../../src/client/network.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import type { CallOptions } from '../../../src/contract/operation.ts';
import type { Args, OpId, Out } from '../../../src/contract/operations.ts';
import { sha256 } from '../../../src/core/hash.ts';
import type { TokenRole } from '../../../src/core/principals.ts';
import type { Tally } from './tally.ts';
import type { Found } from './window.ts';

/*
 * A client of the soak. A token may be used 100 times a minute, so ten clients with five operations a second each would
 * mostly be told to wait: beside the tokens of the roles, each client attaches as a second window of the folder does.
 */

/** Where the server is now. */
export interface Place {
  server(): Found;
  /** Whether the window is being loaded again. */
  reloading(): boolean;
  /** The server that comes after this one, as soon as it is there. */
  after(epoch: number): Promise<Found>;
}

/** The tokens of the roles, and how often they are used. */
export interface Badges {
  /** The token of a role; null while it was used as often as it is to be. */
  take(role: TokenRole): string | null;
}

/** Uses of a token in a minute; the agent's is used too often, so that some of it is refused. */
const usesPerMinute = { admin: 95, operator: 95, actions: 95, agent: 115 } as const;

export function createBadges(tokens: ReadonlyMap<TokenRole, string>): Badges {
  const next = new Map<TokenRole, number>();
  return {
    take(role) {
      const now = performance.now();
      if (now < (next.get(role) ?? 0)) return null;
      next.set(role, now + 60_000 / usesPerMinute[role]);
      return tokens.get(role) ?? null;
    },
  };
}

/** Who asks: a role with its token, an attached window, or somebody without a token. */
export type As = TokenRole | 'window' | 'nobody';

export interface RawRequest {
  method: string;
  path: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  as?: As;
  /** Milliseconds after which the client goes away. */
  goneAfter?: number;
}

export interface Caller {
  readonly name: string;
  /** Calls an operation, as the role if its token is free. @returns undefined if it was refused, or nobody answered */
  ask<K extends OpId>(
    id: K,
    args: Args[K],
    options?: CallOptions & { as?: TokenRole },
  ): Promise<Out[K] | undefined>;
  /** Sends something as it is; only how it is answered counts. */
  send(name: string, request: RawRequest): Promise<void>;
  /** Begins to watch events, or ends it. */
  toggleWatch(): void;
  stop(): void;
}

export function createCaller(name: string, place: Place, badges: Badges, tally: Tally): Caller {
  let session: Session | null = null;
  let watching: AbortController | null = null;
  let server = place.server();

  const tokenOf = async (as: As | undefined): Promise<{ role: As; token: string | null }> => {
    if (as === 'nobody') return { role: as, token: null };
    const badge = as === undefined || as === 'window' ? null : badges.take(as);
    if (badge !== null) return { role: as ?? 'window', token: badge };
    if (session === null || session.epoch !== server.epoch) session = attachTo(server, name);
    const mine = session;
    try {
      return { role: 'window', token: await mine.token };
    } catch (error) {
      if (session === mine) session = null;
      throw error;
    }
  };

  /** Does something with the server, and counts how it is answered. */
  const reach = async <T>(
    what: string,
    as: As | undefined,
    work: (token: string | null) => Promise<{ status: number; value: T }>,
  ): Promise<T | undefined> => {
    server = place.server();
    const { epoch } = server;
    const began = place.reloading();
    const start = performance.now();
    const took = () => performance.now() - start;
    let role: As = as ?? 'window';
    const isReloading = () => began || place.reloading() || place.server().epoch !== epoch;
    try {
      const found = await tokenOf(as);
      role = found.role;
      const { status, value } = await work(found.token);
      tally.answered(what, role, status, took(), isReloading());
      return value;
    } catch (error) {
      if (GimoError.is(error)) {
        tally.answered(what, role, error.status, took(), isReloading());
        if (error.status >= 500) tally.fault(`${what} (${role}): ${error.status} ${error.code}`);
        if (error.code === 'token_invalid' && !isReloading())
          tally.fault(`${what}: the token of the ${role} was refused`);
        if (role === 'window' && error.code === 'token_invalid' && session?.epoch === epoch)
          session = null;
      } else if (error instanceof DOMException && error.name === 'AbortError') tally.cut();
      else if (isNetworkError(error) || isTimeout(error)) {
        if (isReloading()) tally.lost();
        else tally.fault(`${what}: ${String(error)}, while the window was left alone`);
        server = await place.after(epoch);
      } else tally.fault(`${what}: ${String(error).slice(0, 300)}`);
      return undefined;
    }
  };

  const follow = async (token: string, signal: AbortSignal) => {
    try {
      for await (const _ of watchEvents({ url: server.url, token, signal })) tally.event();
    } catch (error) {
      // With the server its sessions end, and another may not listen yet.
      if (!GimoError.is(error, 'token_invalid')) throw error;
    }
  };

  return {
    name,
    ask: (id, args, { as, ...options } = {}) =>
      reach(id, as, async (token) => {
        const client = createClient(httpTransport(server.url, token ?? ''));
        const { status, body } = await client.answer(id, args, options);
        return { status, value: body };
      }),
    async send(what, { method, path, body, headers, as, goneAfter }) {
      await reach(what, as, async (token) => {
        const response = await fetch(new URL(path, server.url), {
          method,
          headers: {
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined
            ? {}
            : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
          ...(goneAfter === undefined ? {} : { signal: cutAfter(goneAfter) }),
        });
        await response.text();
        if (response.status >= 500) tally.fault(`${what}: ${response.status}`);
        return { status: response.status, value: undefined };
      });
    },
    toggleWatch() {
      if (watching !== null) {
        watching.abort();
        watching = null;
        return;
      }
      if (session === null) return;
      watching = new AbortController();
      const { signal } = watching;
      const { token } = session;
      token
        .then((text) => follow(text, signal))
        .catch((error: unknown) =>
          isNetworkError(error) ? undefined : tally.fault(`events: ${String(error).slice(0, 300)}`),
        );
    },
    stop: () => watching?.abort(),
  };
}

interface Session {
  token: Promise<string>;
  epoch: number;
}

/** Attaches as a window does. What several of its requests wait for at once is asked for once. */
function attachTo({ port, mac, epoch }: Found, name: string): Session {
  const token = attach(port, sha256(name), mac).then((attached) => attached.token);
  // Whoever waits for it hears of it.
  token.catch(() => undefined);
  return { token, epoch };
}

function cutAfter(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

const isTimeout = (error: unknown) =>
  error instanceof DOMException && error.name === 'TimeoutError';
