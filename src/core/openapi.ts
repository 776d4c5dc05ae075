import { actionsPath, type OpenApi, openApiOf } from '../contract/openapi.ts';
import type { OpId } from '../contract/operations.ts';
import type { Handlers } from './handlers.ts';
import { mayCallNow } from './rights.ts';
import type { Settings } from './settings.ts';

/**
 * Describes the wire to whoever asks. A description is made once for each role, and again when the configuration gives
 * the role other rights.
 * @param url where clients reach the server, without a slash at the end; empty: where it answered them
 */
export function openApiHandler(
  version: string,
  url: () => string,
  settings: Pick<Settings, 'config'>,
): Handlers['getOpenApi'] {
  const made = new Map<string, OpenApi>();
  return {
    async read(input, { principal: { role } }) {
      const config = settings.config();
      const key = `${role} ${input.for ?? ''} ${config.operator_can_generate}`;
      const may = (id: OpId) => mayCallNow(role, id, config);
      const known = made.get(key) ?? openApiOf({ may, for: input.for, version });
      made.set(key, known);
      const { openapi, info, ...rest } = known;
      const path = input.for === 'actions' ? actionsPath : '';
      const servers = [{ url: `${url()}${path}` || '/' }];
      return { body: { openapi, info, servers, ...rest } };
    },
  };
}
