import { setTimeout as wait } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { GimoError } from '../contract/errors.ts';
import { ChangeEvent } from '../contract/events.ts';
import { raw } from '../contract/raw.ts';
import { toError } from './http.ts';
import { isNetworkError } from './network.ts';

/** Something that changed; or a reset: whatever the reader knows may be old, so it reads again. */
export type Seen = { type: 'change'; event: ChangeEvent } | { type: 'reset' };

export interface WatchOptions {
  /** Where the server listens, without a path. */
  url: string;
  token: string;
  /** Ends the watching. */
  signal: AbortSignal;
  /** Called before the token is sent, each time: makes the server prove itself. What it throws ends the watching. */
  prove?: (() => Promise<void>) | undefined;
}

/** Milliseconds between a connection that was lost and the next; doubled up to the longest until an event comes. */
const firstWait = 250;
const longestWait = 10_000;

/**
 * Watches what changes on a server. It begins with a reset as soon as the stream is open, so that nothing falls between
 * what the reader reads then and the first change. A lost connection is made again; the server then tells what was
 * missed, or there is another reset.
 *
 * @returns changes in the order in which they happened, until the signal
 * @throws GimoError when the server refuses for a reason that waiting does not change, and what `prove` throws
 */
export async function* watchEvents(options: WatchOptions): AsyncGenerator<Seen, void> {
  const { signal } = options;
  let lastId: string | null = null;
  let pause = firstWait;
  while (!signal.aborted) {
    const connection = new AbortController();
    try {
      const ends = AbortSignal.any([signal, connection.signal]);
      // Read from at once: a body that nobody reads is cancelled with the response, when that is collected as garbage.
      const messages = messagesOf(await open(options, ends, lastId));
      if (lastId === null) yield { type: 'reset' };
      for await (const { event, id, data } of messages) {
        pause = firstWait;
        const change = event === undefined ? ChangeEvent.safeParse(JSON.parse(data)) : null;
        // After a reset, or a change of a kind that a later version made up, only reading again helps.
        lastId = change?.success === true ? (id ?? lastId) : null;
        yield change?.success === true ? { type: 'change', event: change.data } : { type: 'reset' };
      }
      await sleep(pause, signal);
    } catch (error) {
      if (signal.aborted) return;
      await sleep(pauseAfter(error, pause), signal);
    } finally {
      // Also when the reader has gone away in the middle.
      connection.abort();
    }
    pause = Math.min(pause * 2, longestWait);
  }
}

async function open(
  { url, token, prove }: WatchOptions,
  signal: AbortSignal,
  lastId: string | null,
) {
  await prove?.();
  const response = await fetch(new URL(raw.streamEvents.path, url), {
    headers: {
      ...{ authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    },
    redirect: 'error',
    signal,
  });
  if (!response.ok || response.body === null) throw toError(response, await response.text());
  return response.body;
}

const messagesOf = (body: ReadableStream<Uint8Array<ArrayBuffer>>) =>
  body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());

/**
 * How long to wait after a failure, in milliseconds.
 * @throws the error, if waiting does not help
 */
function pauseAfter(error: unknown, pause: number): number {
  if (isNetworkError(error)) return pause;
  const passes = GimoError.is(error, 'rate_limited') || GimoError.is(error, 'not_writer');
  if (!passes) throw error;
  return Math.max(pause, (error.retryAfter ?? 0) * 1_000);
}

/** Waits, no longer than until the signal. */
async function sleep(ms: number, signal: AbortSignal) {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
