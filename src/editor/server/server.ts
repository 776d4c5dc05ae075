import type { Served } from '../../http/served.ts';

export type ServerState =
  | { name: 'stopped' }
  | { name: 'starting' }
  | { name: 'running'; host: Served }
  | { name: 'failed'; error: unknown };

/** The server that runs in this state; null in any other. */
export const hostIn = (state: ServerState): Served | null =>
  state.name === 'running' ? state.host : null;

/** The server of this window, hosted or attached to: at most one, and one change of it at a time. */
export interface Server {
  readonly state: ServerState;
  /** Waits until what is under way has ended: a start, a stop. Never rejects. */
  settled(): Promise<void>;
  /** Starts it unless it runs. Never rejects: what went wrong is in the state. */
  start(): Promise<void>;
  /** Stops it, also one that is still starting, so that nobody takes over. Never rejects. */
  stop(): Promise<void>;
  /** Lets go of it because the window closes. Never rejects. */
  leave(): Promise<void>;
}

/** How a server ended that was not told to by this window: stopped by somebody else, or gone. */
type Ended = 'stopped' | 'gone';

/** How a window gets at its server. */
export interface Joining {
  /** Whether the one before went away, and this window is only to take over. */
  again: boolean;
  /** Ends the trying. */
  signal: AbortSignal;
  ended(how: Ended): void;
}

/**
 * @param join starts a server or attaches to one; null if it was stopped on purpose, and this was only to take over
 * @param changed called with each new state
 */
export function createServer(
  join: (joining: Joining) => Promise<Served | null>,
  changed: (state: ServerState) => void,
): Server {
  let state: ServerState = { name: 'stopped' };
  let last: Promise<void> = Promise.resolve();
  /** Aborted by whoever ends what is started now. */
  let giveUp = new AbortController();

  const set = (next: ServerState) => {
    state = next;
    changed(next);
  };
  const fail = (error: unknown) => set({ name: 'failed', error });
  const hostNow = () => hostIn(state);
  /* Jobs handle their own errors, so the chain never breaks. */
  const inTurn = (job: () => Promise<void>) => {
    last = last.then(job);
    return last;
  };

  const start = async (again: boolean, signal: AbortSignal) => {
    if (state.name === 'running') return;
    set({ name: 'starting' });
    /** How it ended, also before it was known to run. */
    const ends: Ended[] = [];
    const settle = (host: Served) => {
      const [how] = ends;
      if (how === undefined || hostNow() !== host) return;
      set({ name: how === 'gone' ? 'starting' : 'stopped' });
      if (how === 'gone') begin(true);
    };
    let mine: Served | null = null;
    const ended = (how: Ended) => {
      ends.push(how);
      if (mine !== null) settle(mine);
    };
    try {
      const host = await join({ again, signal, ended });
      mine = host;
      if (host === null) return set({ name: 'stopped' });
      set({ name: 'running', host });
      settle(host);
    } catch (error) {
      if (signal.aborted) set({ name: 'stopped' });
      else fail(error);
    }
  };
  const begin = (again: boolean) => {
    const { signal } = giveUp;
    return inTurn(() => start(again, signal));
  };
  const end = (how: 'stop' | 'leave') => {
    giveUp.abort();
    giveUp = new AbortController();
    return inTurn(async () => {
      const host = hostNow();
      if (host === null) return set({ name: 'stopped' });
      try {
        await host[how]();
        set({ name: 'stopped' });
      } catch (error) {
        fail(error);
      }
    });
  };

  return {
    get state() {
      return state;
    },
    settled: () => last,
    start: () => begin(false),
    stop: () => end('stop'),
    leave: () => end('leave'),
  };
}
