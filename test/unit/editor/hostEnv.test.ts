import { expect, test } from 'vitest';
import { hostEnv } from '../../../src/editor/server/hostEnv.ts';

test('names that are for headless use only do not reach the server of an editor', () => {
  const env = {
    ORCH_TOKEN: 'a',
    ORCH_PORT: '1',
    GIMO_TOKEN: 'b',
    GIMO_AGENT_TOKEN: 'c',
    GIMO_CONFIG_HOME: '/ledger',
    PATH: '/bin',
  };
  expect(hostEnv(env)).toEqual({ GIMO_CONFIG_HOME: '/ledger', PATH: '/bin' });
});
