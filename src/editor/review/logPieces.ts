import type { Client } from '../../client/client.ts';
import type { ToPanel } from '../../contract/panel.ts';

type Piece = Extract<ToPanel, { type: 'log' }>;

/** Reads the log of a run piece by piece, so that each entry is sent once. */
export interface LogPieces {
  /** What was logged since the last piece; null if nothing was. Rejects as the client does. */
  next(client: Client): Promise<Piece | null>;
  /** Whoever reads has forgotten everything: the next piece begins anew. */
  forget(): void;
}

export function createLogPieces(run_id: string): LogPieces {
  let had = 0;
  let fresh = true;

  const next = async (client: Client): Promise<Piece | null> => {
    const from = had;
    const { entries, next: upTo } = await client.call('getRunLog', { run_id, after: from });
    if (upTo < from) {
      // It is shorter than what was sent: not the log that it was.
      had = 0;
      fresh = true;
      return next(client);
    }
    had = upTo;
    if (entries.length === 0 && !fresh) return null;
    fresh = false;
    return { type: 'log', run_id, from, entries };
  };
  return {
    next,
    forget() {
      had = 0;
      fresh = true;
    },
  };
}
