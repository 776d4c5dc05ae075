import { setTimeout as delay } from 'node:timers/promises';

/** How long the adapter waits for what. Milliseconds. */
export interface ModelTimings {
  /** From the start of a request to the first byte of its answer. */
  firstByteMs: number;
  /** Between two pieces of an answer. */
  idleMs: number;
  /** Before the first retry where the server names no time; twice as long before the second. */
  backoffMs: number;
  /** The longest wait that a server may ask for and is given. */
  longestWaitMs: number;
  /** Waits; rejects when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const defaultTimings: ModelTimings = {
  firstByteMs: 120_000,
  idleMs: 60_000,
  backoffMs: 500,
  longestWaitMs: 60_000,
  wait: (ms, signal) => delay(ms, undefined, { signal }),
};

/** Which patience has run out. */
export type Expiry = 'first byte' | 'idle';

/** Watches over one request: its signal ends it when the caller aborts, or when nothing arrives for too long. */
export interface Watch {
  readonly signal: AbortSignal;
  /** To be called whenever bytes of the answer have arrived. */
  touch(): void;
  expired(): Expiry | null;
  /** Stops the clock, and the request if it is not over yet. */
  end(): void;
}

/** Starts the clock of a request. Its owner calls `end()`. */
export function createWatch(
  caller: AbortSignal,
  timings: Pick<ModelTimings, 'firstByteMs' | 'idleMs'>,
): Watch {
  const stop = new AbortController();
  let expired: Expiry | null = null;
  let answering = false;
  const expire = (what: Expiry) => {
    expired = what;
    stop.abort();
  };
  let timer = setTimeout(() => expire('first byte'), timings.firstByteMs);
  const onAbort = () => stop.abort();
  caller.addEventListener('abort', onAbort, { once: true });
  if (caller.aborted) onAbort();
  return {
    signal: stop.signal,
    touch() {
      if (stop.signal.aborted) return;
      if (answering) {
        timer.refresh();
        return;
      }
      answering = true;
      clearTimeout(timer);
      timer = setTimeout(() => expire('idle'), timings.idleMs);
    },
    expired: () => expired,
    end() {
      clearTimeout(timer);
      caller.removeEventListener('abort', onAbort);
      stop.abort();
    },
  };
}
