/* Routes that are no operations: what they answer is no JSON value of one schema, or nobody has to be known for it. */

/** A route beside the operation table. */
export interface RawRoute {
  readonly method: 'get' | 'post';
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
  getAttachNonce: {
    method: 'get',
    path: '/ops/attach',
    role: null,
    summary:
      'Gives an editor window a nonce to prove itself with, so that it can work on the server of another.',
  },
  attach: {
    method: 'post',
    path: '/ops/attach',
    role: null,
    summary:
      'Takes the answer to a nonce, made with the key of the ledger, and gives the window a token for this server.',
  },
  callTools: {
    method: 'post',
    path: '/mcp',
    role: 'actions',
    summary:
      'Speaks the Model Context Protocol over streamable HTTP: tools that read, propose, and run what was approved.',
  },
} as const satisfies Record<string, RawRoute>;
