import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type AttachRequest, attachText } from '../contract/attach.ts';
import { GimoError } from '../contract/errors.ts';
import { sha256 } from '../core/hash.ts';
import type { Ledger } from '../core/ledger-ports.ts';
import type { Principal } from '../core/principals.ts';
import type { Tokens } from './tokens.ts';

/** Seconds that a nonce can be answered in. */
export const nonceSeconds = 30;
/** Nonces that wait for an answer; beyond that the oldest is forgotten. */
const mostNonces = 256;
/** Windows that may be attached at once. */
const mostSessions = 32;
/** Milliseconds that a session is kept while nothing of its window is connected. */
const idleMs = 60_000;
/** The random part of a session's token, in bytes. */
const tokenBytes = 48;

/** The windows that are attached to this server. Nothing of it is ever written: it ends with the server. */
export interface Sessions {
  /** A nonce that can be answered once, within {@link nonceSeconds}. */
  nonce(): string;
  /**
   * Lets a window in that answered a nonce as only a reader of the ledger can.
   * @throws GimoError `token_invalid` for a wrong answer, `stale` for a right one to a nonce that was used or is too old,
   *   `rate_limited` while too many windows are attached
   */
  attach(request: AttachRequest): { token: string; principal: Principal };
  authenticate(presented: string): Principal | null;
  /** Whether a token was given to a window by a server of this ledger, this one or one before it. */
  wasValid(presented: string): boolean;
  /** The tokens in force. */
  known(): Iterable<string>;
  /** Keeps the session of a token while something of it is connected. @returns what ends that */
  hold(presented: string): () => void;
}

interface Session {
  token: string;
  principal: Principal;
  connections: number;
  /** When it was last heard of, on the clock of {@link createSessions}. */
  seen: number;
}

/**
 * @param hostPort the server's own address, which a right answer names
 * @param now milliseconds on a clock that nobody sets
 */
export function createSessions(
  { mac }: Pick<Ledger, 'mac'>,
  hostPort: () => string,
  now: () => number = () => performance.now(),
): Sessions {
  const nonces = new Map<string, number>();
  const sessions = new Map<string, Session>();
  // What is presented is only looked up by its hash, so that the time this takes tells nothing about a token.
  const find = (presented: string): Session | undefined => {
    const id = sha256(presented);
    const session = sessions.get(id);
    if (session === undefined) return undefined;
    if (session.connections > 0 || now() - session.seen < idleMs) return session;
    sessions.delete(id);
    return undefined;
  };
  const takeNonce = (nonce: string): boolean => {
    const made = nonces.get(nonce);
    nonces.delete(nonce);
    return made !== undefined && now() - made < nonceSeconds * 1000;
  };
  /* Signed, so that a server that comes after this one knows it for what it was, and takes nobody for a stranger. */
  const signed = (random: string) => `${random}.${mac('attach', `gimo-session-v1\n${random}`)}`;

  return {
    nonce() {
      const nonce = randomBytes(32).toString('hex');
      nonces.set(nonce, now());
      const [oldest] = nonces.keys();
      if (nonces.size > mostNonces && oldest !== undefined) nonces.delete(oldest);
      return nonce;
    },
    attach({ nonce, install, answer }) {
      const inTime = takeNonce(nonce);
      if (!sameHex(answer, mac('attach', attachText(nonce, hostPort(), install)))) throw wrong();
      if (!inTime) throw late();
      for (const { token } of sessions.values()) find(token);
      if (sessions.size >= mostSessions) throw tooMany();
      const token = signed(randomBytes(tokenBytes).toString('base64url'));
      const principal: Principal = { role: 'editor', actor: `editor:${install.slice(0, 12)}` };
      sessions.set(sha256(token), { token, principal, connections: 0, seen: now() });
      return { token, principal };
    },
    authenticate(presented) {
      const session = find(presented);
      if (session === undefined) return null;
      session.seen = now();
      return session.principal;
    },
    wasValid(presented) {
      const [random = '', seal] = presented.split('.');
      return seal !== undefined && timingSafeEqual(hashOf(presented), hashOf(signed(random)));
    },
    *known() {
      for (const { token } of sessions.values()) yield token;
    },
    hold(presented) {
      const session = find(presented);
      if (session === undefined) return () => {};
      session.connections += 1;
      return () => {
        session.connections -= 1;
        session.seen = now();
      };
    },
  };
}

/** The tokens of a server together with those of the windows that are attached to it. */
export function withSessions(tokens: Tokens, sessions: Sessions): Tokens {
  return {
    ...tokens,
    *known() {
      yield* tokens.known();
      yield* sessions.known();
    },
    authenticate: (presented) => tokens.authenticate(presented) ?? sessions.authenticate(presented),
    wasValid: (presented) => tokens.wasValid(presented) || sessions.wasValid(presented),
  };
}

const hashOf = (text: string) => Buffer.from(sha256(text));
const sameHex = (one: string, other: string) => timingSafeEqual(hashOf(one), hashOf(other));

const wrong = () =>
  new GimoError(
    'token_invalid',
    'The answer does not fit the nonce, this address and the key of the ledger. Attach again.',
  );
const late = () =>
  new GimoError('stale', 'The nonce was answered before or is too old. Ask for another.');
const tooMany = () =>
  new GimoError(
    'rate_limited',
    `${mostSessions} windows are attached to this server already. Close one first.`,
    { retryAfter: idleMs / 1000 },
  );
