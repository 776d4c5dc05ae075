import { collectSchemas, type Schemas } from '../src/contract/components.ts';
import { type ErrorCode, errorStatus } from '../src/contract/errors.ts';
import { errorStatuses } from '../src/contract/openapi-answers.ts';
import { mayCall, placeOf, roles } from '../src/contract/operation.ts';
import { type Operation, type OpId, opIds, table } from '../src/contract/operations.ts';
import { raw } from '../src/contract/raw.ts';
import { examples, readAnswers } from './api-examples.ts';
import { cell, type Field, fieldsOf, linkTo, prettyJson, typeOf } from './api-types.ts';

/*
 * The API reference as Markdown: what stands in docs/api.md below the marker is made here from the operation table, so
 * that it says what the server does. What is to be known of all operations stands above it, written by hand.
 */

/** Ends the part of docs/api.md that is written by hand. */
export const marker = '<!-- Below, everything is made by `npm run operations`. -->';

/** The reference of all operations, of what is no operation, and of the records that they speak of. */
export function apiReference(): string {
  const schemas = collectSchemas();
  const answers = readAnswers();
  const operations = opIds.map((id) => operationOf(id, schemas, answers.get(id)));
  return [
    '## Operations',
    '',
    ...opIds.map((id) => `- ${linkTo(id)}: ${table[id].summary}`),
    '',
    ...operations,
    '## Other routes',
    '',
    '| call | role | what it does |',
    '|---|---|---|',
    ...Object.values(raw).map(
      ({ method, path, role, summary }) =>
        `| \`${method.toUpperCase()} ${path}\` | ${role ?? 'none needed'} | ${cell(summary)} |`,
    ),
    '',
    '## Records',
    '',
    ...Object.entries(schemas.referred()).flatMap(([name, schema]) => recordOf(name, schema)),
  ].join('\n');
}

function operationOf(id: OpId, schemas: Schemas, answer: unknown): string {
  const operation: Operation = table[id];
  const who = roles.filter((role) => mayCall(role, operation));
  const { description } = operation;
  return [
    `### ${id}`,
    '',
    `\`${callOf(operation)}\` · ${[...who, ...sometimes(id)].join(', ')} · ${operation.effect}`,
    '',
    operation.summary,
    ...(description === undefined ? [] : ['', description]),
    '',
    ...inputOf(operation, schemas),
    `Answers ${answersOf(operation, schemas).join('; ')}. Refuses with ${refusalsOf(id, operation).join(', ')}.`,
    '',
    '```sh',
    curlOf(id, operation),
    '```',
    '',
    ...(typeof answer === 'string'
      ? ['```text', answer.trimEnd(), '```']
      : ['```json', prettyJson(answer), '```']),
    '',
  ].join('\n');
}

/** Who may call it only where the configuration says so. */
const sometimes = (id: OpId) =>
  id === 'generateDraft' ? ['operator with `operator_can_generate`'] : [];

const callOf = ({ method, path }: Operation) => `${method.toUpperCase()} ${path}`;

function inputOf(operation: Operation, schemas: Schemas): string[] {
  const fields = fieldsOf(inlined(schemas.of(operation.input, 'input'), schemas));
  const headers = headersOf(operation);
  if (fields.length + headers.length === 0) return [];
  const rows = fields.map((field) => [
    ...[field.name, placed(operation, field), field.type],
    [field.says, usually(field)].filter((text) => text !== '').join(' '),
  ]);
  return [
    '| name | where | what | |',
    '|---|---|---|---|',
    ...[...rows, ...headers].map(
      ([name = '', ...cells]) => `| \`${name}\` | ${cells.map(cell).join(' | ')} |`,
    ),
    '',
  ];
}

const usually = ({ usual }: Field) =>
  usual === undefined ? '' : `If left out: \`${JSON.stringify(usual)}\`.`;

function placed(operation: Operation, { name, required }: Field): string {
  const place = placeOf(operation, name);
  const where = place === 'query' && operation.method !== 'get' ? 'query or body' : place;
  return required ? `${where}, required` : where;
}

function headersOf(operation: Operation): string[][] {
  const row = (name: string, says: string) => [name, 'header', 'string', says];
  return [
    ...(operation.ifMatch ? [row('If-Match', 'The ETag that the record must still have.')] : []),
    ...(operation.etag && operation.method === 'get'
      ? [row('If-None-Match', 'Answers 304 if the record still has this ETag.')]
      : []),
    ...(operation.creates
      ? [row('Idempotency-Key', 'Names the attempt; the same as `idempotency_key`.')]
      : []),
  ];
}

function inlined(schema: Record<string, unknown>, schemas: Schemas): unknown {
  const { $ref } = schema;
  return typeof $ref === 'string' ? schemas.referred()[$ref.split('/').at(-1) ?? ''] : schema;
}

function answersOf(operation: Operation, schemas: Schemas): string[] {
  const isList = 'cursor' in operation.input.shape;
  const headers = [
    ...(operation.etag ? ['`ETag`'] : []),
    ...(isList ? ['`X-Total-Count`', '`Link`'] : []),
  ];
  const what = operation.text ? 'plain text' : typeOf(schemas.of(operation.output, 'output'));
  return [
    `**${operation.status}** ${what}${headers.length === 0 ? '' : `, with ${headers.join(' and ')}`}`,
    ...(operation.asks ? ['**202** `{ "pending": "editor" }` where a person is asked there'] : []),
    ...(operation.etag && operation.method === 'get' ? ['**304** unchanged'] : []),
  ];
}

/** What every operation may be refused with stands above the marker. */
const general: readonly ErrorCode[] = [
  ...(['token_missing', 'token_invalid', 'role_required', 'method_not_allowed'] as const),
  ...(['host_refused', 'origin_refused', 'rate_limited', 'lockdown', 'not_writer'] as const),
  ...(['storage_error', 'audit_unavailable', 'internal', 'unsupported_media_type'] as const),
];

const proposing: readonly OpId[] = ['createDraft', 'editDraft'];
const choosing: readonly OpId[] = ['openRepo', 'selectRepo', 'vitaminizeRepo'];

/** The operations that a code is for, where its status alone does not tell. */
const only: { readonly [K in ErrorCode]?: (id: OpId, operation: Operation) => boolean } = {
  approval_invalid: (id) => id === 'createRun',
  approval_consumed: (id) => id === 'createRun',
  approval_expired: (id) => id === 'createRun',
  draft_id_not_runnable: (id) => id === 'createRun',
  step_unsupported: (id) => id === 'createRun',
  editor_required: (id, { asks }) => asks === true || id === 'acceptChange',
  idempotency_mismatch: (_id, { creates }) => creates === true,
  path_refused: (id) => [...proposing, 'readTree', 'readFile'].includes(id),
  contains_secret: (id) =>
    [
      ...[...proposing, 'rejectDraft', 'approveDraft', 'redraft', 'generateDraft'],
      ...['setPlan', 'setConfig', 'setProvider'],
    ].includes(id),
};

function refusalsOf(id: OpId, operation: Operation): string[] {
  const statuses = errorStatuses(operation);
  const codes = Object.entries(errorStatus).filter(
    ([code, status]) =>
      statuses.includes(status) &&
      !general.some((one) => one === code) &&
      (Object.entries(only).find(([one]) => one === code)?.[1](id, operation) ?? true),
  );
  codes.sort(([, one], [, other]) => one - other);
  const told = codes.map(([code, status]) => `${status} \`${code}\``);
  const as400 = choosing.includes(id)
    ? ['400 `path_refused`', '400 `validation_error`']
    : statuses.includes(400)
      ? ['400 `validation_error`']
      : [];
  const all = [...as400, ...told];
  return all.length === 0 ? ['what goes for all'] : all;
}

function curlOf(id: OpId, operation: Operation): string {
  const { path, body } = examples[id];
  const method = operation.method === 'get' ? '' : `-X ${operation.method.toUpperCase()} `;
  const address = `http://127.0.0.1:9325${path}`;
  const quoted = /[?&]/.test(path) ? `'${address}'` : address;
  return `curl -H @auth ${method}${quoted}${body === undefined ? '' : ` --json '${body}'`}`;
}

function recordOf(name: string, schema: unknown): string[] {
  const fields = fieldsOf(schema);
  const rows = fields.map(
    ({ name: field, type, required, says }) =>
      `| \`${field}\` | ${cell(type)}${required ? '' : ', may be left out'} | ${cell(says)} |`,
  );
  const told =
    rows.length === 0 ? [typeOf(schema)] : ['| field | what | |', '|---|---|---|', ...rows];
  return [`### ${name}`, '', ...told, ''];
}
