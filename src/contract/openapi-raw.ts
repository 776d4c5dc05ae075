import type { Json, Schemas } from './components.ts';
import { ChangeEvent } from './events.ts';
import { correlated, refused, text } from './openapi-answers.ts';
import { type RawRoute, raw } from './raw.ts';

/** Adds the routes that are no operations to the paths of a document. */
export function addRaw(paths: Record<string, Json>, schemas: Schemas) {
  const add = (id: string, route: RawRoute, more: Json) => {
    const open = route.role === null ? { security: [] } : {};
    paths[route.path] = { get: { operationId: id, summary: route.summary, ...open, ...more } };
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
}
