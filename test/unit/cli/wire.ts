import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { proofText } from '../../../src/contract/proof.ts';

export const token = 'token-of-the-command-line-0123456789';
export const mac = (purpose: string, data: string) =>
  createHmac('sha256', `key ${purpose}`).update(data).digest('hex');

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
  ifMatch: string | undefined;
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
  /** Every request but those to /health. */
  seen: Seen[];
  /** Every request there was. */
  all: Seen[];
  close(): Promise<void>;
}

const refusal = (status: number, code: string, detail: string): Reply => ({
  status,
  body: { detail, code, correlation_id: 'c-1' },
});
export const refuse = refusal;

/**
 * A server on loopback that speaks GIMO's wire: it proves itself, wants the token, and answers what the routes say
 * (`"GET /ops/drafts/d_1": () => ...`; without a route 404).
 */
export async function startWire(
  routes: Record<string, Route>,
  health: (nonce: string, hostPort: string) => unknown = (nonce, hostPort) => ({
    status: 'ok',
    proof: mac('proof', proofText(nonce, hostPort)),
  }),
): Promise<Wire> {
  const all: Seen[] = [];
  let hostPort = '';
  const server = createServer(async (request, response) => {
    const seen = await read(request);
    all.push(seen);
    const at = new URL(seen.path, 'http://gimo');
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
      return all.filter(({ path }) => !path.startsWith('/health'));
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
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
    body: text === '' ? undefined : JSON.parse(text),
  };
}
