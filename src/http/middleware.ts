import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { GimoError } from '../contract/errors.ts';
import type { Panic } from '../core/panic.ts';
import type { Principal } from '../core/principals.ts';
import type { Redactor } from '../core/redaction.ts';
import { acceptedCorrelationId, bearerToken, hostAllowed, originAllowed } from './rules.ts';
import type { Tokens } from './tokens.ts';

/** What the middleware found out about a request, for whoever comes after. */
interface Found {
  correlationId: string;
  principal: Principal | null;
}
const found = new WeakMap<Request, Found>();

/** @throws Error if the middleware did not run: that is a mistake in the wiring */
export function foundOf(request: Request): Found {
  const known = found.get(request);
  if (known === undefined) throw new Error('the request has not passed the middleware');
  return known;
}

/** @throws GimoError `token_missing` or `token_invalid` */
export function principalOfRequest(request: Request): Principal {
  const { principal } = foundOf(request);
  if (principal !== null) return principal;
  if (bearerToken(request.headers.authorization) === null)
    throw new GimoError('token_missing', 'Token missing');
  throw new GimoError('token_invalid', 'Invalid token');
}

/** Gives every request an id, and every response the headers that keep it out of caches and frames. */
export const correlate: RequestHandler = (request, response, next) => {
  const correlationId = acceptedCorrelationId(request.get('x-correlation-id')) ?? randomUUID();
  found.set(request, { correlationId, principal: null });
  response.set({
    'X-Correlation-ID': correlationId,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};

export function checkHost(
  port: () => number,
  publicUrl: () => string | null = () => null,
): RequestHandler {
  return (request, _response, next) => {
    if (hostAllowed(request.headers.host, port(), publicUrl())) return next();
    throw new GimoError(
      'host_refused',
      'The Host header does not name this server. Use the address that GIMO printed. If a tunnel leads here, name its address in the setting gimo.publicUrl, or headless with --public-url.',
    );
  };
}

/** Refuses pages that are not listed, and answers the preflight of those that are. */
export function checkOrigin(allowed: () => readonly string[]): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    if (!originAllowed(origin, allowed()))
      throw new GimoError(
        'origin_refused',
        'Pages of this origin may not call GIMO. If they should, list it in the setting gimo.corsOrigins, or headless in ORCH_CORS_ORIGINS.',
      );
    if (origin !== undefined) {
      response.vary('Origin').set({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Expose-Headers': 'ETag, Link, X-Correlation-ID, X-Total-Count, Retry-After',
      });
    }
    if (request.method !== 'OPTIONS') return next();
    response.set({
      'Access-Control-Allow-Methods': 'GET, POST, PUT',
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Correlation-ID, MCP-Protocol-Version, Mcp-Method, Mcp-Name',
    });
    response.status(204).end();
  };
}

/**
 * Finds out who calls, and turns strangers away while there are too many of them. Whoever presents a token that was valid
 * once is no stranger: they are told that it is not any more, and do not count.
 *
 * A correlation id that holds a secret is exchanged, for it would stand wherever it is written. Only once it is known who
 * calls: or it would tell a stranger which guess is a token, uncounted.
 */
export function identify(
  tokens: Pick<Tokens, 'authenticate' | 'wasValid'>,
  panic: Pick<Panic, 'requireOpenToStrangers' | 'invalidToken'>,
  redactor: Pick<Redactor, 'holdsSecret'>,
): RequestHandler {
  return async (request, response, next) => {
    const token = bearerToken(request.headers.authorization);
    const found = foundOf(request);
    if (token !== null) found.principal = tokens.authenticate(token);
    if (found.principal !== null && redactor.holdsSecret(found.correlationId)) {
      found.correlationId = randomUUID();
      response.set('X-Correlation-ID', found.correlationId);
    }
    if (found.principal === null && (token === null || !tokens.wasValid(token))) {
      panic.requireOpenToStrangers();
      if (token !== null) await panic.invalidToken(found.correlationId);
    }
    next();
  };
}

/** Refuses whoever has no valid token. Comes after the rate limit, so that guessing is limited too. */
export const requireToken: RequestHandler = (request, _response, next) => {
  principalOfRequest(request);
  next();
};

/** One budget for each token, and one for all callers without a valid one. */
export function limitRate(perWindow: number, windowSeconds: number): RequestHandler {
  return rateLimit({
    windowMs: windowSeconds * 1000,
    limit: perWindow,
    standardHeaders: 'draft-7',
    legacyHeaders: false,
    keyGenerator: (request) => foundOf(request).principal?.actor ?? 'strangers',
    skip: (request) => foundOf(request).principal?.role === 'editor',
    handler: (_request, response, next) => next(tooMany(response, windowSeconds)),
  });
}

function tooMany(response: Response, windowSeconds: number) {
  const told = Number(response.getHeader('Retry-After'));
  return new GimoError(
    'rate_limited',
    'Too many requests. Wait as long as the Retry-After header says.',
    { retryAfter: told > 0 ? told : windowSeconds },
  );
}
