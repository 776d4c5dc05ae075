import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { buffer as readBytes } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { type Reply, replyOf } from '../harness.ts';

/*
 * A tunnel as people run one: TLS ends at a public name, and what comes goes on to a port of this machine, with the name
 * that was called and with the headers that such proxies add. All of it on loopback; nothing resolves the name.
 */

const publicName = 'gimo.example.com';
const run = promisify(execFile);

export interface Tunnel {
  /** `https://` and the public name; the port of {@link publicName} goes without saying. */
  readonly url: string;
  readonly port: number;
  /** The file with the certificate, which nobody else knows. */
  readonly certificate: string;
  /** Asks as a client on the internet would. */
  request(method: string, path: string, sent?: Sent): Promise<Reply>;
  /** The same, but answers as soon as the head of the answer is there. */
  open(method: string, path: string, sent?: Sent): Promise<IncomingMessage>;
  close(): Promise<void>;
}

interface Sent {
  token?: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface TunnelOptions {
  /** Where the server listens, asked with each request: it can be restarted on another port. */
  to: () => number;
  /** Where the key and the certificate are put. */
  dir: string;
  /** Some tunnels put the local address in the place of the name that was called, if they are told to. */
  rewritesHost?: boolean;
}

export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  const [key, certificate] = [join(options.dir, 'tunnel.key'), join(options.dir, 'tunnel.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', certificate, '-days', '1', '-subj', `/CN=${publicName}`],
    ...['-addext', `subjectAltName=DNS:${publicName},DNS:localhost`],
  ]);
  const cert = await readFile(certificate, 'utf8');
  const server = createServer({ key: await readFile(key), cert }, (request, response) => {
    passOn(request, response, options).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The tunnel has no port.');
  const open: Tunnel['open'] = (method, path, { token, body, headers } = {}) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = httpsRequest({
      ...{ host: '127.0.0.1', port: address.port, servername: publicName, ca: cert, agent: false },
      ...{ method, path },
      headers: {
        host: publicName,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined
          ? {}
          : {
              'content-type': 'application/json',
              'content-length': String(Buffer.byteLength(text)),
            }),
        ...headers,
      },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject);
    });
    request.end(text);
    return answered;
  };
  return {
    ...{ url: `https://${publicName}`, port: address.port, certificate, open },
    request: async (method, path, sent) => replyOf(await open(method, path, sent)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Takes the request whole before it goes on, as the far ends of tunnels do; the answer flows as it comes. */
async function passOn(from: IncomingMessage, to: ServerResponse, options: TunnelOptions) {
  const port = options.to();
  const called = from.headers.host ?? '';
  const body = await readBytes(from);
  const onward = httpRequest(
    {
      ...{ host: '127.0.0.1', port, method: from.method, path: from.url, agent: false },
      headers: {
        ...withoutHops(from.headers),
        host: options.rewritesHost === true ? `127.0.0.1:${port}` : called,
        'x-forwarded-for': [from.headers['x-forwarded-for'], '203.0.113.7'].flat().join(', '),
        'x-forwarded-proto': 'https',
        'x-forwarded-host': called,
      },
    },
    (answer) => {
      to.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
      answer.pipe(to);
    },
  );
  // A server may answer and hang up before it has read everything; its answer counts then.
  onward.on('error', () => {
    if (!to.headersSent) to.destroy();
  });
  to.on('close', () => onward.destroy());
  onward.end(body);
}

/** Headers that are for one connection only (RFC 9110, section 7.6.1). */
const withoutHops = ({
  connection: _connection,
  'keep-alive': _alive,
  'transfer-encoding': _coding,
  ...rest
}: IncomingHttpHeaders) => rest;

/** Lets curl find the tunnel under its public name, as it would find a real one. @returns a value for CURL_HOME */
export async function curlHome(tunnel: Tunnel, dir: string): Promise<string> {
  const lines = [
    `connect-to = "${publicName}:443:127.0.0.1:${tunnel.port}"`,
    `cacert = "${tunnel.certificate}"`,
  ];
  await writeFile(join(dir, '.curlrc'), `${lines.join('\n')}\n`);
  return dir;
}
