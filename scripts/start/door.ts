import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { freePort } from './places.ts';

/** The same each time if it can be: what a browser keeps, it keeps by address. */
const usualPort = 8325;

export interface Door {
  /** Where a browser gets in; it ends in a query, which may go on. */
  address: string;
  close(): void;
}

/**
 * A port of loopback that lets in whoever knows a secret, and hands everything on to a Unix socket. The first visit
 * brings the secret in the address and is sent on without it; then a cookie has it, which other sites cannot use.
 */
export async function openDoor(socketPath: string): Promise<Door> {
  const port = await freePort(usualPort);
  const secret = randomBytes(24).toString('hex');
  // Cookies of one host are shared by all its ports.
  const cookie = `gimo-start-${port}`;
  const mayPass = (incoming: IncomingMessage) => equal(cookieOf(incoming, cookie), secret);

  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
    if (mayPass(incoming)) return pass(incoming, outgoing, socketPath);
    if (!equal(url.searchParams.get('key'), secret)) return refuse(outgoing);
    url.searchParams.delete('key');
    outgoing.writeHead(303, {
      Location: `${url.pathname}${url.search}`,
      'Set-Cookie': `${cookie}=${secret}; Path=/; HttpOnly; SameSite=Strict`,
      'Referrer-Policy': 'no-referrer',
    });
    outgoing.end();
  });
  server.on('upgrade', (incoming, client, head) => {
    if (mayPass(incoming)) passUpgrade(incoming, client, head, socketPath);
    else client.destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${port}/?key=${secret}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function equal(given: string | null, secret: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given ?? ''), hash(secret));
}

function cookieOf({ headers }: IncomingMessage, name: string): string | null {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([found]) => found === name)?.[1] ?? null;
}

function refuse(outgoing: ServerResponse): void {
  outgoing.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' });
  outgoing.end('Open the whole address that npm start has printed.\n');
}

const onwards = ({ method, url, headers }: IncomingMessage, socketPath: string) => ({
  ...{ socketPath, headers },
  ...(method === undefined ? {} : { method }),
  ...(url === undefined ? {} : { path: url }),
});

function pass(incoming: IncomingMessage, outgoing: ServerResponse, socketPath: string): void {
  const onward = request(onwards(incoming, socketPath), (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

function passUpgrade(
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  socketPath: string,
): void {
  const onward = request(onwards(incoming, socketPath));
  onward.on('upgrade', (answer, upstream, rest) => {
    const lines = [`HTTP/1.1 101 ${answer.statusMessage ?? ''}`];
    for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2)
      lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`);
    client.write(`${lines.join('\r\n')}\r\n\r\n`);
    client.write(rest);
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  // An answer that does not upgrade is a refusal.
  onward.on('response', () => client.destroy());
  onward.on('error', () => client.destroy());
  onward.end();
}
