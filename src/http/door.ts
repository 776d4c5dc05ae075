import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { close, listen } from './listen.ts';
import { refuseAll } from './refusing.ts';
import { answerUnreadable } from './unreadable.ts';

/** A port of ours. */
export interface Door {
  readonly port: number;
  readonly url: string;
  /** From now on requests are answered by this; until then they are refused. */
  answer(listener: RequestListener): void;
  /** Lets nobody in any more, and waits for the requests that are under way. */
  close(): Promise<void>;
}

/**
 * A prompt of 8,000 characters may stand in the query of POST /ops/generate: 72,000 bytes when each takes three bytes of
 * UTF-8. A request without a Host header is answered by our own check, in the shape that errors have.
 */
const serverOptions: ServerOptions = { maxHeaderSize: 98_304, requireHostHeader: false };

/** How long requests that are under way may take to end when the server stops, in milliseconds. */
const stopGrace = 1_000;

/**
 * Binds a port.
 *
 * @throws GimoError what {@link listen} throws
 */
export async function openDoor(wanted: number | { prefer: number }): Promise<Door> {
  let handle = refuseAll('The server is starting. Try again in a moment.', 1);
  const server = createServer(serverOptions, (request, response) => handle(request, response));
  answerUnreadable(server);
  const port = await listen(server, wanted);
  return {
    ...{ port, url: `http://127.0.0.1:${port}` },
    answer(listener) {
      handle = listener;
    },
    close: () => close(server, stopGrace),
  };
}
