import { ErrorBody, GimoError } from '../contract/errors.ts';
import { type Answer, type CallOptions, placeOf } from '../contract/operation.ts';
import { type Operation, type OpId, table } from '../contract/operations.ts';
import type { Transport } from './client.ts';

/**
 * Carries calls over HTTP with a bearer token.
 *
 * @param url where the server listens, without a path
 * @param token goes into the Authorization header of every request, so prove the server first
 * @param source what drafts that are made this way say of their origin
 */
export function httpTransport(url: string, token: string, source?: 'cli'): Transport {
  return {
    async send(id: OpId, args: unknown, options: CallOptions) {
      const operation = table[id];
      const { path, body } = place(operation, fieldsOf(args));
      const headers: Record<string, string> = { authorization: `Bearer ${token}` };
      if (source !== undefined) headers['x-gimo-source'] = source;
      if (body !== undefined) headers['content-type'] = 'application/json';
      if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch;
      if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
      if (options.correlationId !== undefined) headers['x-correlation-id'] = options.correlationId;
      const response = await fetch(new URL(path, url), {
        method: operation.method.toUpperCase(),
        headers,
        redirect: 'error',
        ...(body === undefined ? {} : { body }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      const text = await response.text();
      if (!response.ok) throw toError(response, text);
      return toAnswer(response, operation.text ? text : JSON.parse(text));
    },
  };
}

function fieldsOf(args: unknown): [string, unknown][] {
  return typeof args === 'object' && args !== null ? Object.entries(args) : [];
}

/** Puts each field where it belongs. Of a POST or PUT all but the path goes into the body: a URL ends up in logs. */
function place(operation: Operation, fields: readonly [string, unknown][]) {
  let path = operation.path;
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [name, value] of fields) {
    if (value === undefined) continue;
    if (placeOf(operation, name) === 'path')
      path = path.replace(`{${name}}`, segment(String(value)));
    else if (operation.method !== 'get') body[name] = value;
    else for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const search = query.toString();
  return {
    path: search === '' ? path : `${path}?${search}`,
    body: operation.method === 'get' ? undefined : JSON.stringify(body),
  };
}

/** One segment of a path. What a URL would fold away is no id, and would lead to another address. */
function segment(value: string): string {
  if (['', '.', '..'].includes(value))
    throw new GimoError('not_found', 'There is nothing with this id.');
  return encodeURIComponent(value);
}

/** What a server refused with, as the error that it threw; `internal` if it is none of GIMO's. */
export function toError(response: Response, text: string): GimoError {
  const found = ErrorBody.safeParse(parseOr(text, null));
  if (!found.success)
    return new GimoError(
      'internal',
      `The server answered ${response.status} without an error that GIMO knows. Is it another program?`,
    );
  const { detail, code } = found.data;
  const retryAfter = Number(response.headers.get('retry-after'));
  const extras = { status: response.status, ...(retryAfter > 0 ? { retryAfter } : {}) };
  if (typeof detail === 'string') return new GimoError(code, detail, extras);
  const told = detail.map((issue) => `${issue.loc.slice(1).join('.')}: ${issue.msg}`).join('; ');
  return new GimoError(code, told, { ...extras, issues: detail });
}

function parseOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return otherwise;
    throw error;
  }
}

function toAnswer(response: Response, body: unknown): Answer<unknown> {
  const etag = response.headers.get('etag');
  const total = response.headers.get('x-total-count');
  const next = /<[^>]*[?&]cursor=([^&>]+)[^>]*>;\s*rel="next"/.exec(
    response.headers.get('link') ?? '',
  )?.[1];
  return {
    body,
    status: response.status,
    ...(etag === null ? {} : { etag }),
    ...(total === null && next === undefined
      ? {}
      : {
          page: {
            total: total === null ? null : Number(total),
            next: next === undefined ? null : decodeURIComponent(next),
          },
        }),
  };
}
