import { z } from 'zod';
import { collectSchemas, type Json, type Schemas } from './components.ts';
import { ErrorBody } from './errors.ts';
import {
  correlated,
  errorStatuses,
  header,
  headers,
  refusalResponses,
  refused,
  text,
} from './openapi-answers.ts';
import { addRaw } from './openapi-raw.ts';
import { Pending, placeOf } from './operation.ts';
import { type Operation, type OpId, opIds, table } from './operations.ts';
import { IdempotencyKey } from './records.ts';

/** Where ChatGPT Actions reach the operations that are offered to them: the same, with answers that stay short. */
export const actionsPath = '/actions';

export interface OpenApiOptions {
  /** Whether those whom it is for may call an operation: nothing else is described. */
  may(id: OpId): boolean;
  /** `actions`: only what a ChatGPT Actions client can import. */
  for?: 'actions' | undefined;
  version: string;
}

/** An OpenAPI document, as far as whoever passes it on has to know it. */
export interface OpenApi extends Json {
  openapi: string;
  info: { title: string; version: string; description: string };
  paths: Record<string, Json>;
}

/**
 * Describes the wire in OpenAPI 3.1, from the operation table and the list of raw routes.
 *
 * @returns a document without `servers`: only what its readers may call; for Actions only rows that are offered to it, and no raw routes
 */
export function openApiOf({ may, for: client, version }: OpenApiOptions): OpenApi {
  const schemas = collectSchemas();
  const forActions = client === 'actions';
  const paths: Record<string, Json> = {};
  for (const id of opIds) {
    const operation: Operation = table[id];
    if (!may(id) || (forActions && !operation.actions)) continue;
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
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: schemas.referred(),
      headers,
      responses: refusalResponses(),
    },
  };
}

function describe(id: OpId, operation: Operation, schemas: Schemas, forActions: boolean): Json {
  const { parameters, body } = inputOf(operation, schemas, forActions);
  return {
    operationId: id,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(forActions ? { 'x-openai-isConsequential': operation.effect !== 'read' } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...answersOf(operation, schemas), ...refused(errorStatuses(operation)) },
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
    const { description: says = '', ...bare } = schema;
    const described = [says, either ? eitherPlace(required.includes(name)) : ''].filter(Boolean);
    parameters.push({
      ...{ name, in: place, schema: bare },
      required: place === 'path' || (!either && required.includes(name)),
      ...(described.length === 0 ? {} : { description: described.join(' ') }),
    });
  }
  // Actions clients cannot send headers of their own.
  if (!forActions) parameters.push(...headerParameters(operation, schemas));
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

const eitherPlace = (needed: boolean) =>
  `${needed ? 'Has to stand here or in the body' : 'May stand in the body instead'}; what the query says wins.`;

/** What a reference leads to, or the schema itself. */
function inlined(schema: Json, schemas: Schemas): unknown {
  const { $ref } = schema;
  return typeof $ref === 'string' ? schemas.referred()[$ref.split('/').at(-1) ?? ''] : schema;
}

function headerParameters(operation: Operation, schemas: Schemas): Json[] {
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
            schemas.of(IdempotencyKey, 'input'),
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
  const asked = {
    '202': {
      description: 'Nothing has happened yet: a person is asked in the editor.',
      headers: correlated,
      content: { 'application/json': { schema: schemas.of(Pending, 'output') } },
    },
  };
  return {
    [String(operation.status)]: answer,
    ...(operation.asks ? asked : {}),
    ...(operation.etag && operation.method === 'get' ? unchanged : {}),
  };
}
