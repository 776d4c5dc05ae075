import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { close, listen } from './listen.ts';
import { acceptedCorrelationId } from './rules.ts';

/** Answers every request that the server cannot do anything now, and when to ask again. */
export function refuseAll(detail: string, retryAfter: number): RequestListener {
  return (request, response) => {
    const given = request.headers['x-correlation-id'];
    const id = acceptedCorrelationId(typeof given === 'string' ? given : undefined) ?? randomUUID();
    response.writeHead(503, {
      ...{ 'Retry-After': String(retryAfter), 'Content-Type': 'application/json' },
      'X-Correlation-ID': id,
    });
    response.end(JSON.stringify({ detail, code: 'not_writer', correlation_id: id }));
  };
}

/**
 * Keeps a port for a server that has to wait, so that its clients learn why and no other program gets their tokens.
 *
 * @returns what lets go of it
 * @throws GimoError `conflict_state` if another program has it already
 */
export async function refuseAt(port: number, detail: string): Promise<() => Promise<void>> {
  const server = createServer(refuseAll(detail, 5));
  await listen(server, port);
  return () => close(server, 0);
}
