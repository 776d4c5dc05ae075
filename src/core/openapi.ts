import { type OpenApi, openApiOf } from '../contract/openapi.ts';
import type { Handlers } from './handlers.ts';

/**
 * Describes the wire to whoever asks. A description is made once for each role.
 * @param url where clients reach the server, without a slash at the end; empty: where it answered them
 */
export function openApiHandler(version: string, url: () => string): Handlers['getOpenApi'] {
  const made = new Map<string, OpenApi>();
  return {
    async read(input, { principal: { role } }) {
      const key = `${role} ${input.for ?? ''}`;
      const known = made.get(key) ?? openApiOf({ role, for: input.for, version });
      made.set(key, known);
      const { openapi, info, ...rest } = known;
      const servers = [{ url: url() === '' ? '/' : url() }];
      return { body: { openapi, info, servers, ...rest } };
    },
  };
}
