import { GimoError } from '../contract/errors.ts';
import { type ChangeEvent, changeTypes } from '../contract/events.ts';
import { type Client, createClient, type Transport } from './client.ts';
import { watchEvents } from './events.ts';
import { httpTransport } from './http.ts';
import { isNetworkError } from './network.ts';
import { demandProof, type Mac } from './prove.ts';

/** A server of another process that this one works on. */
export interface AttachedClient {
  readonly client: Client;
  /** @returns a function that ends the subscription */
  onChange(listener: (event: ChangeEvent) => void): () => void;
  /** Ends it; {@link AttachedOptions.ended} is not told. */
  close(): void;
}

export interface AttachedOptions {
  port: number;
  token: string;
  mac: Mac;
  /** Told once when the server is gone, or does not know this client any more. */
  ended: (reason: string) => void;
  /** Told of a listener that threw; the others are called all the same. */
  failed: (error: unknown) => void;
}

/**
 * Opens the typed client over HTTP, with the changes that the server tells. There is no polling: the event stream ends
 * when the server does, and then the server is asked once whether it is still there.
 *
 * @returns once the stream is open, so that no change is missed
 * @throws GimoError `not_writer` if the server is gone by then, and what it refuses with
 */
export async function openAttached(options: AttachedOptions): Promise<AttachedClient> {
  const { port, token, mac } = options;
  const url = `http://127.0.0.1:${port}`;
  const closing = new AbortController();
  const listeners = new Set<(event: ChangeEvent) => void>();
  const tell = (event: ChangeEvent) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        options.failed(error);
      }
    }
  };
  const prove = async () => {
    // Not a GimoError: the watch would take one of this kind for something that passes.
    if ((await demandProof(port, mac)) !== 'proved') throw new Gone();
  };
  const seen = watchEvents({ url, token, signal: closing.signal, prove });
  const follow = async () => {
    for await (const one of seen) {
      if (one.type === 'change') tell(one.event);
      else for (const type of changeTypes) tell({ type, id: null, rev: 0 });
    }
  };
  try {
    await seen.next();
  } catch (error) {
    throw error instanceof Gone ? gone(error) : error;
  }
  const end = (error: unknown) => {
    if (closing.signal.aborted) return;
    closing.abort();
    options.ended(error instanceof Error ? error.message : String(error));
  };
  follow().catch(end);
  return {
    client: createClient(tellingLoss(httpTransport(url, token), end)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => closing.abort(),
  };
}

/** Thrown when the server does not prove itself any more. */
class Gone extends Error {
  override readonly name = 'Gone';
  constructor() {
    super('The server that this window was attached to is gone.');
  }
}

const gone = (cause: unknown) =>
  new GimoError('not_writer', 'The server went away. Try again in a moment.', { cause });

/** Says what a connection that breaks in the middle means, and tells when the server is gone or forgot this client. */
function tellingLoss(transport: Transport, lost: (error: unknown) => void): Transport {
  return {
    async send(id, args, options) {
      try {
        return await transport.send(id, args, options);
      } catch (error) {
        if (GimoError.is(error, 'token_invalid')) {
          lost(error);
          throw gone(error);
        }
        if (!isNetworkError(error)) throw error;
        lost(error);
        throw new GimoError(
          'not_writer',
          'The server went away before it answered, so it may or may not have done what was asked. Look before you try again.',
          { cause: error },
        );
      }
    },
  };
}
