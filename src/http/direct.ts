import { randomUUID } from 'node:crypto';
import { type Client, createClient } from '../client/client.ts';
import { GimoError } from '../contract/errors.ts';
import type { Core } from '../core/core.ts';
import { principalOf } from '../core/principals.ts';

/** The client of the window that hosts the server: no HTTP, the same gate. */
export function directClient(core: Pick<Core, 'dispatch' | 'panic'>, installId: string): Client {
  const principal = principalOf('editor', installId);
  return createClient({
    async send(id, args, { correlationId = randomUUID(), ifMatch, idempotencyKey }) {
      const caller = {
        principal,
        correlationId,
        source: 'editor' as const,
        ifMatch,
        idempotencyKey,
      };
      try {
        return await core.dispatch(id, args, caller);
      } catch (error) {
        if (!GimoError.is(error)) await core.panic.unhandledError(correlationId);
        throw error;
      }
    },
  });
}
