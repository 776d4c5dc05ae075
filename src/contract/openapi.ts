import { z } from 'zod';
import { collectSchemas, type Json, type Schemas } from './components.ts';
import { ErrorBody, errorStatus } from './errors.ts';
import { ChangeEvent } from './events.ts';
import { mayCall, placeOf, type Role } from './operation.ts';
import { type Operation, type OpId, opIds, table } from './operations.ts';
import { IdempotencyKey } from './records.ts';
import { type RawRoute, raw } from './raw.ts';

export interface OpenApiOptions {
  /** Whose rights decide what is described. */
  role: Role;
  /** `actions`: only what a ChatGPT Actions client can import. */
  for?: 'actions' | undefined;
  version: string;
  /** Where the server is reached, without a slash at the end. */
  url: string;
}

/** An OpenAPI document, as far as whoever passes it on has to know it. */
export interface OpenApi extends Json {
  openapi: string;
  paths: Record<string, Json>;
}

/**
 * Describes the wire in OpenAPI 3.1, from the operation table and the list of raw routes.
 *
 * @returns only what the role may call; for Actions only rows that are offered to it, and no raw routes
 */
export function openApiOf({ role, for: client, version, url }: OpenApiOptions): OpenApi {
  const schemas = collectSchemas();
  const forActions = client === 'actions';
  const paths: Record<string, Json> = {};
  for (const id of opIds) {
    const operation: Operation = table[id];
    if (!mayCall(role, operation) || (forActions && !operation.actions)) continue;
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describe(id, operation, schemas, forActions),
    };
  }
  if (!forActions) addRaw(paths, schemas);
  schemas.of(ErrorBody, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'GIMO',
      version,
      description:
        'Work that language models propose and people allow. Nothing runs before a person has approved exactly that.',
    },
    servers: [{ url }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: schemas.referred(),
      headers,
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, told]) => [told.name, refusalOf(Number(status))]),
      ),
    },
  };
}

const text = { type: 'string' };
const headers: Json = {
  CorrelationId: {
    description: 'Names the request: the same id stands in the log and in the audit.',
    schema: text,
  },
  ETag: { description: 'Names exactly this state of the record.', schema: text },
  Link: { description: 'Leads to the next page, if there is more: <...>; rel="next".', schema: text },
  TotalCount: {
    description: 'How many records match in all.',
    schema: { type: 'integer', minimum: 0 },
  },
  RetryAfter: {
    description: 'Seconds after which trying again makes sense.',
    schema: { type: 'integer', minimum: 0 },
  },
  Authenticate: { description: 'How to identify: Bearer.', schema: text },
};
const header = (name: string) => ({ $ref: `#/components/headers/${name}` });
const correlated = { 'X-Correlation-ID': header('CorrelationId') };

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

function describe(id: OpId, operation: Operation, schemas: Schemas, forActions: boolean): Json {
  const { parameters, body } = inputOf(operation, schemas, forActions);
  const refused = errorStatuses(operation).map((status) => [
    String(status),
    { $ref: `#/components/responses/${refusals[status]?.name}` },
  ]);
  return {
    operationId: id,
    summary: operation.summary,
    ...(forActions ? { 'x-openai-isConsequential': operation.effect !== 'read' } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...answersOf(operation, schemas), ...Object.fromEntries(refused) },
  };
}

const Parts = z.looseObject({
  properties: z.record(z.string(), z.looseObject({})).default({}),
  required: z.array(z.string()).default([]),
});

/**
 * Where each field of the input may stand. Fields of a POST that may stand in the query or in the body are told in both
 * places; for Actions, which wants one place for a name, in the body: a query ends up in logs.
 */
function inputOf(operation: Operation, schemas: Schemas, forActions: boolean) {
  const whole = schemas.of(operation.input, 'input');
  const { properties, required, ...rest } = Parts.parse(inlined(whole, schemas));
  const parameters: Json[] = [];
  const inBody: Json = {};
  for (const [name, schema] of Object.entries(properties)) {
    const place = placeOf(operation, name);
    const either = place === 'query' && operation.method !== 'get';
    if (place === 'body' || either) inBody[name] = schema;
    if (place === 'body' || (either && forActions)) continue;
    parameters.push({
      ...{ name, in: place, schema },
      required: place === 'path' || (!either && required.includes(name)),
      ...(either ? { description: 'May stand in the body instead; what the query says wins.' } : {}),
    });
  }
  parameters.push(...headerParameters(operation, forActions));
  if (Object.keys(inBody).length === 0) return { parameters, body: null };
  const needed = required.filter(
    (name) =>
      placeOf(operation, name) === 'body' || (forActions && placeOf(operation, name) === 'query'),
  );
  // A body that holds the whole input stays a reference to what it is called.
  const all = Object.keys(inBody).length === Object.keys(properties).length;
  const own = { ...rest, properties: inBody, ...(needed.length === 0 ? {} : { required: needed }) };
  const schema = all && '$ref' in whole ? whole : own;
  return {
    parameters,
    body: { required: needed.length > 0, content: { 'application/json': { schema } } },
  };
}

/** What a reference leads to, or the schema itself. */
function inlined(schema: Json, schemas: Schemas): unknown {
  const { $ref } = schema;
  return typeof $ref === 'string' ? schemas.referred()[$ref.split('/').at(-1) ?? ''] : schema;
}

/** Header parameters. Actions clients cannot send any. */
function headerParameters(operation: Operation, forActions: boolean): Json[] {
  if (forActions) return [];
  const parameter = (name: string, description: string, schema: Json = text) => ({
    ...{ name, in: 'header', required: false, description, schema },
  });
  const readsRecord = operation.etag && operation.method === 'get';
  return [
    ...(operation.ifMatch
      ? [parameter('If-Match', 'An entity tag that the record must still have.')]
      : []),
    ...(readsRecord
      ? [parameter('If-None-Match', 'Answers 304 if the record still has this entity tag.')]
      : []),
    ...(operation.creates
      ? [
          parameter(
            'Idempotency-Key',
            'Names the attempt: asking again with it, within 24 hours, does nothing twice.',
            { type: 'string', pattern: IdempotencyKey.def.pattern },
          ),
        ]
      : []),
  ];
}

function answersOf(operation: Operation, schemas: Schemas): Json {
  const isList = 'cursor' in operation.input.shape;
  const sent = {
    ...correlated,
    ...(operation.etag ? { ETag: header('ETag') } : {}),
    ...(isList ? { Link: header('Link'), 'X-Total-Count': header('TotalCount') } : {}),
  };
  const type = operation.text ? 'text/plain; charset=utf-8' : 'application/json';
  const answer = {
    description: operation.creates && operation.status === 201 ? 'Made.' : 'Done.',
    headers: sent,
    content: { [type]: { schema: schemas.of(operation.output, 'output') } },
  };
  const unchanged = {
    '304': {
      description: 'The record still has the entity tag of If-None-Match.',
      headers: { ...correlated, ETag: header('ETag') },
    },
  };
  return {
    [String(operation.status)]: answer,
    ...(operation.etag && operation.method === 'get' ? unchanged : {}),
  };
}

/** The routes that are no operations. */
function addRaw(paths: Record<string, Json>, schemas: Schemas) {
  const add = (id: string, route: RawRoute, more: Json) => {
    const open = route.role === null ? { security: [] } : {};
    paths[route.path] = { get: { operationId: id, summary: route.summary, ...open, ...more } };
  };
  const refused = (...statuses: number[]) =>
    Object.fromEntries(
      statuses.map((status) => [
        String(status),
        { $ref: `#/components/responses/${refusals[status]?.name}` },
      ]),
    );
  const challenge = { type: 'string', pattern: '^[0-9A-Fa-f]{32,64}$' };
  const proof = { ...text, description: 'HMAC over the challenge and the address of the server.' };
  add('getHealth', raw.getHealth, {
    parameters: [{ name: 'challenge', in: 'query', required: false, schema: challenge }],
    responses: {
      '200': {
        description: 'There.',
        headers: correlated,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { status: { const: 'ok' }, proof },
              required: ['status'],
            },
          },
        },
      },
      ...refused(403, 422, 500, 503),
    },
  });
  const event = schemas.of(ChangeEvent, 'output');
  add('streamEvents', raw.streamEvents, {
    parameters: [
      {
        ...{ name: 'Last-Event-ID', in: 'header', required: false, schema: text },
        description: 'The id of the last event that the reader has seen.',
      },
    ],
    responses: {
      '200': {
        description:
          'Events without a name carry a change as JSON; a `reset` event says that changes were missed.',
        headers: correlated,
        content: { 'text/event-stream': { schema: text, 'x-gimo-event': event } },
      },
      ...refused(401, 403, 429, 500, 503),
    },
  });
}
