import { randomUUID } from 'node:crypto';
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorBody, ErrorCode } from '../contract/errors.ts';

type Told = readonly [status: number, code: ErrorCode, detail: string];
const told: Readonly<Record<string, Told>> = {
  HPE_HEADER_OVERFLOW: [431, 'payload_too_large', 'The headers are too large. Send less.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'payload_too_large', 'The body is not sent as it may be.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'validation_error', 'The request did not come to its end.'],
};
const noHttp: Told = [400, 'validation_error', 'The request is not HTTP/1.1 as it can be read.'];

/**
 * Answers what is no HTTP, or more of it than is read, in the one shape that errors have: node would end the connection
 * with a bare status line before any middleware is asked. An `Expect` that nobody knows is ignored (RFC 9110, section
 * 10.1.1, allows it), so that the request is answered as any other.
 */
export function answerUnreadable(server: Server): void {
  const last = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request, response) => last.set(request.socket, response));
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writableEnded) return;
    const response = last.get(socket);
    // An answer that has begun, or that is the one to this request, is not followed by another.
    const answered =
      response?.headersSent === true && !(response.writableFinished && response.req.complete);
    if (!socket.writable || answered) {
      socket.destroy();
      return;
    }
    // Of a request that broke off in its body the id is known, and stands in the log.
    const id = response?.headersSent === false ? response.getHeader('X-Correlation-ID') : undefined;
    socket.end(answerOf(error.code ?? '', String(id ?? randomUUID())), () => socket.destroy());
  });
}

function answerOf(errorCode: string, correlationId: string): string {
  const [status, code, detail] = told[errorCode] ?? noHttp;
  const error: ErrorBody = { detail, code, correlation_id: correlationId };
  const body = JSON.stringify(error);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Correlation-ID: ${correlationId}`,
    ...['Cache-Control: no-store', 'X-Content-Type-Options: nosniff', 'Connection: close'],
    `\r\n${body}`,
  ].join('\r\n');
}
