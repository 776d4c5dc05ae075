import { type Client, createClient, type Transport } from '../client/client.ts';
import { type Seen, watchEvents } from '../client/events.ts';
import { httpTransport } from '../client/http.ts';
import { isNetworkError } from '../client/network.ts';
import { demandProof, portOf, proofTimeoutMs } from '../client/prove.ts';
import type { Discovered, Env, Mac } from './discover.ts';
import { CliError } from './failures.ts';

/** A server that has proved that it knows the ledger's key. */
export interface Connection {
  url: string;
  client: Client;
  /** Watches what changes; see {@link watchEvents}. The server proves itself again before each connection. */
  events(signal: AbortSignal): AsyncIterable<Seen>;
}

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
  const port = portOf(server.url);
  if (port === null || found.mac === null)
    throw new CliError(
      'noServer',
      `What is noted about the server cannot be used; nothing was sent. ${startHint}`,
    );
  const url = `http://127.0.0.1:${port}`;
  const { mac } = found;
  const prove = () => requireProof(url, port, mac);
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

async function requireProof(url: string, port: number, mac: Mac) {
  const proof = await demandProof(port, mac);
  if (proof === 'proved') return;
  throw new CliError(
    'noServer',
    {
      late: `The server at ${url} did not answer within ${proofTimeoutMs / 1000} s; nothing else was sent to it.`,
      nobody: `No server answers at ${url}. ${startHint}`,
      other: `Something else answers at ${url}; nothing was sent to it. ${startHint}`,
    }[proof],
  );
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
