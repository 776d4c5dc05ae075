import type { Json } from './components.ts';
import { errorStatus } from './errors.ts';
import type { Operation } from './operations.ts';

/* What the answers of the OpenAPI document have in common: their headers, and refusals. */

export const text: Json = { type: 'string' };
/** The headers of answers, as components. */
export const headers: Json = {
  CorrelationId: {
    description: 'Names the request: the same id stands in the log and in the audit.',
    schema: text,
  },
  ETag: { description: 'Names exactly this state of the record.', schema: text },
  Link: {
    description: 'Leads to the next page, if there is more: <...>; rel="next".',
    schema: text,
  },
  TotalCount: {
    description:
      'How many records match in all. Left out for a moment after a start, while that is not counted yet.',
    schema: { type: 'integer', minimum: 0 },
  },
  RetryAfter: {
    description: 'Seconds after which trying again makes sense.',
    schema: { type: 'integer', minimum: 0 },
  },
  Authenticate: { description: 'How to identify: Bearer.', schema: text },
};
/** Refers to one of {@link headers}. */
export const header = (name: string) => ({ $ref: `#/components/headers/${name}` });
export const correlated = { 'X-Correlation-ID': header('CorrelationId') };

/** A refusal by its status: the name of its component, and when it comes. */
const refusals: Readonly<Record<number, { name: string; says: string; headers?: Json }>> = {
  400: { name: 'BadRequest', says: 'What was asked for is of another kind than this can take.' },
  401: {
    name: 'Unauthorized',
    says: 'There is no token, or it is not valid.',
    headers: { 'WWW-Authenticate': header('Authenticate') },
  },
  403: { name: 'Forbidden', says: 'The token, the caller or the path is not allowed this.' },
  404: { name: 'NotFound', says: 'There is no such record or address.' },
  409: { name: 'Conflict', says: 'The record is in a state that does not allow this.' },
  412: { name: 'Stale', says: 'The record is not what the caller saw any more.' },
  413: { name: 'TooLarge', says: 'This is more than can be taken or shown.' },
  415: { name: 'UnsupportedMediaType', says: 'The body is not plain JSON in UTF-8.' },
  422: { name: 'Invalid', says: 'The request does not fit, or holds a secret.' },
  428: {
    name: 'PreconditionRequired',
    says: 'The call has to name what it is about, and does not.',
  },
  429: {
    name: 'TooManyRequests',
    says: 'The token has used up its requests for now.',
    headers: { 'Retry-After': header('RetryAfter') },
  },
  500: { name: 'Internal', says: 'Something went wrong inside; the log has more.' },
  503: {
    name: 'Unavailable',
    says: 'The server is locked down, is not the writer, or cannot write its audit.',
    headers: { 'Retry-After': header('RetryAfter') },
  },
  507: { name: 'StorageFull', says: 'There is no room left on the disk.' },
};

function refusalOf(status: number): Json {
  const told = refusals[status];
  return {
    description: told?.says ?? 'Refused.',
    headers: { ...correlated, ...told?.headers },
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/ErrorBody' } },
    },
  };
}

/** The statuses of the refusals that an operation can be answered with. */
export function errorStatuses(operation: Operation): number[] {
  const changes = operation.effect !== 'read';
  const found = new Set<number>([
    ...[errorStatus.token_missing, errorStatus.role_required, errorStatus.rate_limited],
    ...[errorStatus.internal, errorStatus.not_writer],
    ...(Object.keys(operation.input.shape).length > 0 ? [errorStatus.validation_error] : []),
    ...(operation.path.includes('{') ? [errorStatus.not_found] : []),
    ...(operation.method === 'get'
      ? []
      : [errorStatus.payload_too_large, errorStatus.unsupported_media_type]),
    ...(changes ? [errorStatus.storage_full] : []),
    ...(operation.ifMatch ? [errorStatus.stale] : []),
    ...(operation.refusals ?? []),
  ]);
  return [...found].sort((one, other) => one - other);
}

/** Refers to the answers of these refusals, by status. */
export const refused = (statuses: readonly number[]): Json =>
  Object.fromEntries(
    statuses.map((status) => [
      String(status),
      { $ref: `#/components/responses/${refusals[status]?.name}` },
    ]),
  );

/** The answers that {@link refused} refers to. */
export const refusalResponses = (): Json =>
  Object.fromEntries(
    Object.entries(refusals).map(([status, { name }]) => [name, refusalOf(Number(status))]),
  );
