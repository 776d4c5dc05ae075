import type { Host } from '../http/host.ts';

export type ServerState =
  | { name: 'stopped' }
  | { name: 'starting' }
  | { name: 'running'; host: Host }
  | { name: 'failed'; error: unknown };

/** The server of this window: at most one, and one change of it at a time. */
export interface Server {
  readonly state: ServerState;
  /** Starts it unless it runs. Never rejects: what went wrong is in the state. */
  start(): Promise<void>;
  /** Stops it, also one that is still starting. Never rejects. */
  stop(): Promise<void>;
}

/**
 * @param startHost starts a server, and calls back with the reason if it ends without having been asked to
 * @param changed called with each new state
 */
export function createServer(
  startHost: (ended: (reason: string) => void) => Promise<Host>,
  changed: (state: ServerState) => void,
): Server {
  let state: ServerState = { name: 'stopped' };
  let last: Promise<void> = Promise.resolve();

  const set = (next: ServerState) => {
    state = next;
    changed(next);
  };
  const fail = (error: unknown) => set({ name: 'failed', error });
  /* Jobs handle their own errors, so the chain never breaks. */
  const inTurn = (job: () => Promise<void>) => {
    last = last.then(job);
    return last;
  };

  const start = async () => {
    if (state.name === 'running') return;
    set({ name: 'starting' });
    let ended = false;
    try {
      const host = await startHost(() => {
        ended = true;
        if (state.name === 'running' && state.host === host) set({ name: 'stopped' });
      });
      set(ended ? { name: 'stopped' } : { name: 'running', host });
    } catch (error) {
      fail(error);
    }
  };
  const stop = async () => {
    if (state.name !== 'running') return set({ name: 'stopped' });
    try {
      await state.host.stop();
      set({ name: 'stopped' });
    } catch (error) {
      fail(error);
    }
  };

  return {
    get state() {
      return state;
    },
    start: () => inTurn(start),
    stop: () => inTurn(stop),
  };
}
