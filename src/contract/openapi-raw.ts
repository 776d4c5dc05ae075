import { Attached, AttachNonce, AttachRequest } from './attach.ts';
import type { Json, Schemas } from './components.ts';
import { ChangeEvent } from './events.ts';
import { correlated, refused, text } from './openapi-answers.ts';
import { type RawRoute, raw } from './raw.ts';

/** Adds the routes that are no operations to the paths of a document. */
export function addRaw(paths: Record<string, Json>, schemas: Schemas) {
  const add = (id: string, route: RawRoute, more: Json) => {
    const open = route.role === null ? { security: [] } : {};
    const told = { operationId: id, summary: route.summary, ...open, ...more };
    paths[route.path] = { ...paths[route.path], [route.method]: told };
  };
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
      ...refused([403, 422, 500, 503]),
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
      ...refused([401, 403, 429, 500, 503]),
    },
  });
  const answers = (description: string, schema: Json) => ({
    '200': { description, headers: correlated, content: { 'application/json': { schema } } },
  });
  add('getAttachNonce', raw.getAttachNonce, {
    responses: {
      ...answers('A nonce.', schemas.of(AttachNonce, 'output')),
      ...refused([403, 429, 500, 503]),
    },
  });
  add('attach', raw.attach, {
    requestBody: {
      required: true,
      content: { 'application/json': { schema: schemas.of(AttachRequest, 'input') } },
    },
    responses: {
      ...answers('Attached.', schemas.of(Attached, 'output')),
      ...refused([401, 403, 412, 413, 415, 422, 429, 500, 503]),
    },
  });
  addMcp(add);
}

/** One JSON-RPC message in, one out; what is said in them is the protocol's, not ours. */
function addMcp(add: (id: string, route: RawRoute, more: Json) => void) {
  const message = (description: string) => ({
    description,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: { jsonrpc: { const: '2.0' } },
          required: ['jsonrpc'],
        },
      },
    },
  });
  add('callTools', raw.callTools, {
    requestBody: { ...message('A JSON-RPC request or notification.'), required: true },
    responses: {
      '200': { ...message('The JSON-RPC response.'), headers: correlated },
      '202': { description: 'A notification was taken.', headers: correlated },
      ...refused([400, 401, 403, 404, 413, 415, 429, 500, 503]),
    },
  });
}
