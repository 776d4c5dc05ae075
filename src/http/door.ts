import {
  createServer,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { within } from '../core/patience.ts';
import { close, listen } from './listen.ts';
import { refuseAll } from './refusing.ts';
import { answerUnreadable } from './unreadable.ts';

/** A port of ours. */
export interface Door {
  readonly port: number;
  readonly url: string;
  /** From now on requests are answered by this; until then they are refused. */
  answer(listener: RequestListener): void;
  /**
   * Lets nobody in any more, and waits for the requests that are under way.
   *
   * @param hurry called once, when the last of them has ended or they have had their moment: whoever still works on one
   *   answers at once
   */
  close(hurry?: () => void): Promise<void>;
}

/**
 * A prompt of 8,000 characters may stand in the query of POST /ops/generate: 72,000 bytes when each takes three bytes of
 * UTF-8. A request without a Host header is answered by our own check, in the shape that errors have.
 */
const serverOptions: ServerOptions = { maxHeaderSize: 98_304, requireHostHeader: false };

/** Milliseconds in which requests that are under way may end by themselves when the server stops. */
const moment = 900;
/** Milliseconds after which a request that has not ended by then is cut. An editor's window waits for 2 seconds. */
const stopGrace = 1_300;

/**
 * Binds a port.
 *
 * @throws GimoError what {@link listen} throws
 */
export async function openDoor(wanted: number | { prefer: number }): Promise<Door> {
  let handle = refuseAll('The server is starting. Try again in a moment.', 1);
  const underWay = new Set<ServerResponse>();
  const server = createServer(serverOptions, (request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    handle(request, response);
  });
  answerUnreadable(server);
  const port = await listen(server, wanted);
  return {
    ...{ port, url: `http://127.0.0.1:${port}` },
    answer(listener) {
      handle = listener;
    },
    async close(hurry = () => undefined) {
      // A connection that is kept open after its last answer would be waited for.
      for (const response of underWay)
        if (!response.headersSent) response.setHeader('Connection', 'close');
      const closed = close(server, stopGrace);
      await within(moment, closed);
      hurry();
      await closed;
    },
  };
}
