import { type Client, createClient, type Transport } from '../client/client.ts';
import { type Seen, watchEvents } from '../client/events.ts';
import { httpTransport } from '../client/http.ts';
import { isNetworkError } from '../client/network.ts';
import { demandProof, portOf, proofTimeoutMs } from '../client/prove.ts';
import { GimoError } from '../contract/errors.ts';
import {
  type Discovered,
  discover,
  type Env,
  type LedgerReader,
  type Mac,
  serverAbove,
} from './discover.ts';
import { CliError } from './failures.ts';

/** A server that has proved that it knows the ledger's key. */
export interface Connection {
  url: string;
  client: Client;
  /** Watches what changes; see {@link watchEvents}. The server proves itself again before each connection. */
  events(signal: AbortSignal): AsyncIterable<Seen>;
}

/** Which server is wanted. */
export interface Wanted {
  ledger: LedgerReader;
  /** Absolute path of its workspace. */
  root: string;
  /** Where the person is. */
  cwd: string;
  env: Env;
}

/**
 * Connects to the server that the ledger of a workspace notes. The token is not used before the server has proved that it is the
 * ledger's: another program may have taken the port meanwhile.
 *
 * @throws CliError `noServer` when nothing or something else answers, `refused` without a token
 */
export async function connect(wanted: Wanted): Promise<Connection> {
  const { ledger, root, env } = wanted;
  const found = await discover(ledger, root, env);
  const server = found?.server ?? null;
  if (found === null || server === null) throw await neverStarted(wanted);
  const startHint = startOf(wanted, root);
  if (server.stopped)
    throw new CliError('noServer', `The server of ${root} was stopped. ${startHint}`);
  const port = portOf(server.url);
  if (port === null || found.mac === null)
    throw new CliError(
      'noServer',
      `What is noted about the server cannot be used; nothing was sent. ${startHint}`,
    );
  const url = `http://127.0.0.1:${port}`;
  const { mac } = found;
  const prove = () => requireProof(url, port, mac, startHint);
  await prove();
  const token = chooseToken(found, env);
  const tell = tellToken(givenToken(env) !== '', server.hosted_by);
  const transport = tellLoss(httpTransport(url, token, 'cli'), url, tell);
  return {
    ...{ url, client: createClient(transport) },
    async *events(signal) {
      try {
        yield* watchEvents({ url, token, signal, prove });
      } catch (error) {
        throw tell(error);
      }
    },
  };
}

/** How a server is started, by a person who is where they are. */
const startOf = ({ cwd }: Wanted, root: string) =>
  `Start it with: gimo serve${root === cwd ? '' : ` --root ${shellWord(root)}`}`;

const shellWord = (text: string) =>
  /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Somebody in a folder of a workspace means the server of that workspace, and should not start another one. */
async function neverStarted(wanted: Wanted): Promise<CliError> {
  const { ledger, root, env } = wanted;
  const none = `No server was ever started for ${root}`;
  const above = await serverAbove(ledger, root, env);
  if (above === null) return new CliError('noServer', `${none}. ${startOf(wanted, root)}`);
  const next = above.server.stopped
    ? `but for ${above.root}, where it was stopped. ${startOf(wanted, above.root)}`
    : `but for ${above.root}. Use that one with: --root ${shellWord(above.root)}`;
  return new CliError('noServer', `${none}, ${next}`);
}

const givenToken = (env: Env) => env.GIMO_TOKEN?.trim() ?? '';

/** Says of a token that the server does not know where it came from, and what to do. */
function tellToken(given: boolean, hostedBy: string): (error: unknown) => unknown {
  const kept =
    hostedBy === 'editor'
      ? 'Run "GIMO: Allow Command Line" in the editor again.'
      : 'Stop the server and start it again, which puts a new one there.';
  const text = given
    ? 'The server does not know the token in GIMO_TOKEN; it is wrong, or was replaced. Set the right one, or unset GIMO_TOKEN to use the one that the command line has.'
    : `The server does not know the token that the command line has. ${kept}`;
  return (error) =>
    GimoError.is(error, 'token_invalid')
      ? new GimoError('token_invalid', text, { cause: error })
      : error;
}

function chooseToken(found: Discovered, env: Env): string {
  const given = givenToken(env);
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

async function requireProof(url: string, port: number, mac: Mac, startHint: string) {
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
function tellLoss(transport: Transport, url: string, tell: (error: unknown) => unknown): Transport {
  return {
    async send(id, args, options) {
      try {
        return await transport.send(id, args, options);
      } catch (error) {
        if (!isNetworkError(error)) throw tell(error);
        throw new CliError(
          'noServer',
          `The server at ${url} went away before it answered; whether it did what was asked is not known. Look with: gimo status`,
          { cause: error },
        );
      }
    },
  };
}
