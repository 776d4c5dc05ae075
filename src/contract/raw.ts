/* Routes that are no operations: what they answer is no JSON value of one schema, or nobody has to be known for it. */

/** A route beside the operation table. */
export interface RawRoute {
  readonly method: 'get';
  readonly path: string;
  /** The least role of the ladder that may call it; null if no token is needed. */
  readonly role: 'actions' | null;
  readonly summary: string;
}

export const raw = {
  getHealth: {
    method: 'get',
    path: '/health',
    role: null,
    summary:
      'Tells that the server is there; with a challenge it also proves that it holds the key of its ledger.',
  },
  streamEvents: {
    method: 'get',
    path: '/ops/events',
    role: 'actions',
    summary:
      'Streams changes as server-sent events. A reader that comes back with Last-Event-ID gets what it missed, or a reset.',
  },
} as const satisfies Record<string, RawRoute>;
