import type { RequestHandler, Response } from 'express';
import { GimoError } from '../contract/errors.ts';
import type { ChangeEvent } from '../contract/events.ts';
import type { Events } from '../core/events.ts';
import { principalOfRequest } from './middleware.ts';

/** Seconds between two signs of life; a proxy closes what is silent for longer. */
const heartbeatSeconds = 15;
/** Bytes that may wait for a slow reader before it is let go; it comes back with `Last-Event-ID`. */
const mostWaiting = 1_048_576;
/** Streams that one token may hold open. */
const mostStreams = 32;

/**
 * Server-sent events (WHATWG HTML, section 9.2): `{type, id, rev}` for each change, with the id `<epoch>-<rev>`. A
 * reader that comes back with `Last-Event-ID` gets what it missed, or a `reset` event if that is no longer known.
 *
 * @param ended aborted when the server stops: the streams end with it
 * @param onRetired tells of tokens that are worth nothing any more: their streams end
 */
export function eventStream(
  events: Pick<Events, 'subscribe' | 'since'>,
  epoch: number,
  ended: AbortSignal,
  onRetired: (listener: (actor: string) => void) => void,
): RequestHandler {
  const open = new Map<string, Set<Response>>();
  const retired = new Set<string>();
  onRetired((actor) => {
    retired.add(actor);
    for (const response of open.get(actor) ?? []) response.end();
  });
  return (request, response) => {
    const { actor } = principalOfRequest(request);
    // Rotated between the look at the token and now.
    if (retired.has(actor)) throw new GimoError('token_invalid', 'Invalid token');
    const streams = open.get(actor) ?? new Set();
    if (streams.size >= mostStreams)
      throw new GimoError(
        'rate_limited',
        `This token holds ${mostStreams} event streams already. Close one first.`,
        { retryAfter: heartbeatSeconds },
      );
    open.set(actor, streams.add(response));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(': this stream tells what changes\n\n');
    const write = (event: ChangeEvent) =>
      send(response, `id: ${epoch}-${event.rev}\ndata: ${JSON.stringify(event)}\n\n`);
    const missed = missedBy(request.get('last-event-id'), epoch, events);
    if (missed === null) send(response, 'event: reset\ndata: {}\n\n');
    else for (const event of missed) write(event);
    const unsubscribe = events.subscribe(write);
    const heartbeat = setInterval(() => send(response, ': \n\n'), heartbeatSeconds * 1000);
    const end = () => response.end();
    ended.addEventListener('abort', end, { once: true });
    response.on('close', () => {
      unsubscribe();
      clearInterval(heartbeat);
      ended.removeEventListener('abort', end);
      streams.delete(response);
      if (streams.size === 0) open.delete(actor);
    });
  };
}

function send(response: Response, text: string) {
  if (response.writableLength > mostWaiting) response.destroy();
  else response.write(text);
}

/** What a returning reader missed; nothing for a new one; null if it cannot be told. */
function missedBy(header: string | undefined, epoch: number, events: Pick<Events, 'since'>) {
  if (header === undefined) return [];
  const [, of, rev] = /^(\d{1,15})-(\d{1,15})$/.exec(header) ?? [];
  return Number(of) === epoch ? events.since(Number(rev)) : null;
}
