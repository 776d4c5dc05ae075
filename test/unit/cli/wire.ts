import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChangeType } from '../../../src/contract/events.ts';
import { proofText } from '../../../src/contract/proof.ts';

export const token = 'token-of-the-command-line-0123456789';
export const mac = (purpose: string, data: string) =>
  createHmac('sha256', `key ${purpose}`).update(data).digest('hex');

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
  ifMatch: string | undefined;
  lastEventId: string | undefined;
  body: unknown;
}
export interface Reply {
  status?: number;
  body: unknown;
  headers?: Record<string, string>;
}
export type Route = (seen: Seen) => Reply;

export interface Wire {
  url: string;
  /** Every request but those to /health and /ops/events. */
  seen: Seen[];
  /** Every request there was. */
  all: Seen[];
  /** Tells a change to everyone who watches, and to those who come back having missed it. */
  tell(type: ChangeType, id: string): void;
  /** Sends a frame as it is to everyone who watches. */
  sendFrame(frame: string): void;
  /** Resolves when nobody watches any more. */
  left(): Promise<void>;
  /** Cuts every event stream off. */
  cut(): void;
  close(): Promise<void>;
}

const refusal = (status: number, code: string, detail: string): Reply => ({
  status,
  body: { detail, code, correlation_id: 'c-1' },
});
export const refuse = refusal;

/**
 * A server on loopback that speaks GIMO's wire: it proves itself, wants the token, and answers what the routes say
 * (`"GET /ops/drafts/d_1": () => ...`; without a route 404). Events it streams itself, unless there is a route for them.
 */
export async function startWire(
  routes: Record<string, Route>,
  health: (nonce: string, hostPort: string) => unknown = (nonce, hostPort) => ({
    status: 'ok',
    proof: mac('proof', proofText(nonce, hostPort)),
  }),
): Promise<Wire> {
  const all: Seen[] = [];
  const events = createStreams();
  let hostPort = '';
  const server = createServer(async (request, response) => {
    const seen = await read(request);
    all.push(seen);
    const at = new URL(seen.path, 'http://gimo');
    const authorized = seen.authorization === `Bearer ${token}`;
    if (at.pathname === '/ops/events' && authorized && !('GET /ops/events' in routes)) {
      events.open(response, seen.lastEventId);
      return;
    }
    const reply =
      at.pathname === '/health'
        ? { body: health(at.searchParams.get('challenge') ?? '', hostPort) }
        : answer(routes, seen, at.pathname);
    response.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      connection: 'close',
      ...reply.headers,
    });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  hostPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${hostPort}`,
    all,
    get seen() {
      return all.filter(({ path }) => !/^\/(health|ops\/events)/.test(path));
    },
    ...{ tell: events.tell, sendFrame: events.send, cut: events.cut, left: events.left },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The event streams of a server, with what was told so far: ids are `1-<rev>`. */
function createStreams() {
  const streams = new Set<ServerResponse>();
  const told: string[] = [];
  const send = (frame: string) => {
    for (const stream of streams) stream.write(frame);
  };
  return {
    send,
    open(response: ServerResponse, lastId: string | undefined) {
      streams.add(response);
      response.on('close', () => streams.delete(response));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      if (lastId !== undefined)
        for (const frame of told.slice(Number(lastId.split('-')[1]))) response.write(frame);
    },
    tell(type: ChangeType, id: string) {
      const rev = told.length + 1;
      const frame = `id: 1-${rev}\ndata: ${JSON.stringify({ type, id, rev })}\n\n`;
      told.push(frame);
      send(frame);
    },
    async left() {
      for (const stream of streams) await once(stream, 'close');
    },
    cut() {
      for (const stream of streams) stream.destroy();
    },
  };
}

function answer(routes: Record<string, Route>, seen: Seen, pathname: string): Reply {
  if (seen.authorization !== `Bearer ${token}`)
    return refusal(401, 'token_invalid', 'Invalid token');
  const route = routes[`${seen.method} ${pathname}`];
  return route === undefined ? refusal(404, 'not_found', 'There is no such thing.') : route(seen);
}

async function read(request: IncomingMessage): Promise<Seen> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    authorization: request.headers.authorization,
    ifMatch: request.headers['if-match'],
    lastEventId: request.headers['last-event-id']?.toString(),
    body: text === '' ? undefined : JSON.parse(text),
  };
}
