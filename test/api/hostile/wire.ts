import { connect, type Socket } from 'node:net';
import { ErrorBody } from '../../../src/contract/errors.ts';

/* Requests as no well-behaved client sends them, written to the socket byte by byte. */

export type Framing = 'none' | 'length' | 'truncated' | 'cut' | 'chunked' | 'garbage';

export interface Hostile {
  method: string;
  /** The request target as it goes over the wire, in latin1. */
  target: string;
  /** In latin1, beside Host, Connection and Authorization. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
  /** How the body goes: `truncated` and `cut` announce more than they send, then end or break the connection. */
  framing: Framing;
  /** Instead of the address of the server. */
  host?: string | undefined;
}

export interface RawReply {
  /** 0 if the connection ended without an answer. */
  status: number;
  headers: ReadonlyMap<string, string>;
  body: string;
  /** Everything that came. */
  raw: string;
}

/** Sends a request with this Authorization header, and reads the answer; of an event stream only its beginning. */
export function sendRaw(
  port: number,
  authorization: string | null,
  asked: Hostile,
): Promise<RawReply> {
  return new Promise((resolve) => {
    let raw = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const done = () => resolve(replyOf(raw));
    socket.setEncoding('latin1');
    socket.on('connect', () => write(socket, headOf(port, authorization, asked), asked));
    socket.on('data', (piece: string) => {
      raw += piece;
      if (/^content-type: text\/event-stream/im.test(raw)) socket.destroy();
    });
    socket.on('end', () => socket.end());
    // The server may close while something is still being sent: what came until then is the answer.
    socket.on('error', () => undefined).on('close', done);
  });
}

function headOf(port: number, authorization: string | null, asked: Hostile): string {
  const { method, target, headers, host = `127.0.0.1:${port}` } = asked;
  return [
    `${method} ${target} HTTP/1.1`,
    ...[`Host: ${host}`, 'Connection: close'],
    ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...framingHeader(asked),
    '\r\n',
  ].join('\r\n');
}

function framingHeader({ framing, body }: Hostile): string[] {
  const length = Buffer.byteLength(body);
  if (framing === 'none') return [];
  if (framing === 'length') return [`Content-Length: ${length}`];
  if (framing === 'chunked' || framing === 'garbage') return ['Transfer-Encoding: chunked'];
  return [`Content-Length: ${length + 10}`];
}

function write(socket: Socket, head: string, { framing, body }: Hostile) {
  socket.write(head, 'latin1');
  if (framing === 'chunked') {
    const chunk = Buffer.byteLength(body).toString(16);
    socket.write(body === '' ? '0\r\n\r\n' : `${chunk}\r\n${body}\r\n0\r\n\r\n`);
  } else if (framing === 'garbage') socket.write(`zz\r\n${body}\r\n-1\r\n\r\n`);
  else if (framing !== 'none') socket.write(body);
  if (framing === 'truncated' || framing === 'garbage') socket.end();
  // Only when what was announced has arrived, or the server would see nothing of it.
  if (framing === 'cut') socket.write('', () => socket.destroy());
}

function replyOf(received: string): RawReply {
  const raw = received.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = raw.indexOf('\r\n\r\n');
  const [first = '', ...lines] = raw.slice(0, Math.max(end, 0)).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
    }),
  );
  const length = Number(headers.get('content-length') ?? raw.length);
  const body = end < 0 ? '' : raw.slice(end + 4, end + 4 + length);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? 0);
  return { status, headers, body: Buffer.from(body, 'latin1').toString(), raw };
}

/** What is wrong with an answer, in words; null if it is one that the contract allows. */
export function wrongWith(reply: RawReply, asked: Hostile): string | null {
  const { status, headers, body } = reply;
  const mayBeSilent = asked.framing === 'cut' || asked.method === 'CONNECT';
  if (status === 0) return mayBeSilent ? null : 'no answer';
  if (status >= 500) return `status ${status}`;
  const id = headers.get('x-correlation-id');
  if (id === undefined || !/^[A-Za-z0-9._-]{1,128}$/.test(id)) return 'no correlation id';
  if (status < 400 || asked.method === 'HEAD') return null;
  const error = ErrorBody.safeParse(jsonOf(body));
  if (!error.success) return `an error of another shape: ${status} ${body.slice(0, 200)}`;
  return error.data.correlation_id === id ? null : 'two correlation ids';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
