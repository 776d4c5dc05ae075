import { randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type Client, createClient, type Transport } from '../client/client.ts';
import { type Seen, watchEvents } from '../client/events.ts';
import { httpTransport } from '../client/http.ts';
import { isNetworkError } from '../client/network.ts';
import { proofText } from '../contract/proof.ts';
import type { Discovered, Env, Mac } from './discover.ts';
import { CliError } from './failures.ts';

/** A server that has proved that it knows the ledger's key. */
export interface Connection {
  url: string;
  client: Client;
  /** Watches what changes; see {@link watchEvents}. The server proves itself again before each connection. */
  events(signal: AbortSignal): AsyncIterable<Seen>;
}

const Health = z.object({ status: z.literal('ok'), proof: z.string() });
const proofTimeoutMs = 5_000;
/** Bytes. The true answer has about 100; whatever else answers does not get to fill the memory. */
const maxHealth = 4_096;
const startHint = 'Start it with: gimo serve';

/**
 * Connects to the server that the ledger notes. The token is not used before the server has proved that it is the
 * ledger's: another program may have taken the port meanwhile.
 *
 * @throws CliError `noServer` when nothing or something else answers, `refused` without a token
 */
export async function connect(found: Discovered | null, env: Env): Promise<Connection> {
  const server = found?.server ?? null;
  if (found === null || server === null)
    throw new CliError('noServer', `No server was ever started for this workspace. ${startHint}`);
  if (server.stopped)
    throw new CliError('noServer', `The server of this workspace was stopped. ${startHint}`);
  const port = /^http:\/\/127\.0\.0\.1:(\d{1,5})\/?$/.exec(server.url)?.[1];
  if (port === undefined || found.mac === null)
    throw new CliError(
      'noServer',
      `What is noted about the server cannot be used; nothing was sent. ${startHint}`,
    );
  const url = `http://127.0.0.1:${port}`;
  const { mac } = found;
  const prove = () => demandProof(url, `127.0.0.1:${port}`, mac);
  await prove();
  const token = chooseToken(found, env);
  const transport = tellLoss(httpTransport(url, token, 'cli'), url);
  return {
    ...{ url, client: createClient(transport) },
    events: (signal) => watchEvents({ url, token, signal, prove }),
  };
}

function chooseToken(found: Discovered, env: Env): string {
  const given = env.GIMO_TOKEN?.trim() ?? '';
  /* Checked here, since fetch would put a header that it refuses into the text of its error. */
  if (/[^\x21-\x7e]/.test(given))
    throw new CliError('usage', 'GIMO_TOKEN holds a character that no token has. Copy it again.');
  const token = given === '' ? found.token : given;
  if (token !== null) return token;
  throw new CliError(
    'refused',
    found.server?.hosted_by === 'editor'
      ? 'The server runs in an editor, which has not allowed the command line. Run "GIMO: Allow Command Line" there, or set GIMO_TOKEN.'
      : 'There is no token to use. Set GIMO_TOKEN.',
  );
}

async function demandProof(url: string, hostPort: string, mac: Mac) {
  const nonce = randomBytes(32).toString('hex');
  const proof = await askProof(url, nonce);
  const expected = mac('proof', proofText(nonce, hostPort));
  if (proof === null || !sameText(proof, expected))
    throw new CliError(
      'noServer',
      `Something else answers at ${url}; nothing was sent to it. ${startHint}`,
    );
}

/** @returns what was answered as proof, or null if the answer is of another kind */
async function askProof(url: string, nonce: string): Promise<string | null> {
  try {
    const response = await fetch(`${url}/health?challenge=${nonce}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(proofTimeoutMs),
    });
    const text = await readSome(response);
    if (response.status !== 200) return null;
    const health = Health.safeParse(JSON.parse(text));
    return health.success ? health.data.proof : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof DOMException && error.name === 'TimeoutError')
      throw new CliError(
        'noServer',
        `The server at ${url} did not answer within ${proofTimeoutMs / 1000} s; nothing else was sent to it.`,
        { cause: error },
      );
    if (!isNetworkError(error)) throw error;
    if (causeCode(error) !== 'ECONNREFUSED') return null;
    throw new CliError('noServer', `No server answers at ${url}. ${startHint}`, { cause: error });
  }
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  /* Leaving the loop cancels the body, and with it the connection. */
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxHealth) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function causeCode(error: TypeError): unknown {
  return error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
}

/** Says what a connection that breaks in the middle means: the request may or may not have been carried out. */
function tellLoss(transport: Transport, url: string): Transport {
  return {
    async send(id, args, options) {
      try {
        return await transport.send(id, args, options);
      } catch (error) {
        if (!isNetworkError(error)) throw error;
        throw new CliError(
          'noServer',
          `The server at ${url} went away before it answered; whether it did what was asked is not known. Look with: gimo status`,
          { cause: error },
        );
      }
    },
  };
}
