import { describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../harness.ts';
import { expectError } from './support.ts';

const limited = (env: Record<string, string>) => startServer({ env });
const status = (
  server: TestServer,
  who: { role?: 'admin' | 'operator' | 'actions'; token?: string },
) => server.request('GET', '/status', who);

describe('how often one may ask', () => {
  it('is counted for each token alone, and for all strangers together', async () => {
    const server = await limited({ ORCH_RATE_LIMIT_PER_MIN: '3' });
    const strangers = [{}, { token: 'x'.repeat(20) }, { token: 'y'.repeat(20) }];
    for (const who of strangers) expect((await status(server, who)).status).toBe(401);
    for (const who of strangers) expectError(await status(server, who), 'rate_limited');
    for (const role of ['admin', 'operator', 'actions'] as const) {
      for (let at = 0; at < 3; at += 1) expect((await status(server, { role })).status).toBe(200);
      expectError(await status(server, { role }), 'rate_limited');
    }
  });

  it('is told in headers', async () => {
    const server = await limited({
      ORCH_RATE_LIMIT_PER_MIN: '2',
      ORCH_RATE_LIMIT_WINDOW_SECONDS: '7',
    });
    const first = await status(server, { role: 'admin' });
    expect(first.headers.ratelimit).toMatch(/^limit=2, remaining=1, reset=\d+$/);
    expect(first.headers['ratelimit-policy']).toBe('2;w=7');
    await status(server, { role: 'admin' });
    const refused = await status(server, { role: 'admin' });
    expectError(refused, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(7);
    expect(refused.headers.ratelimit).toMatch(/remaining=0/);
  });

  it('is 100 times a minute when nobody said otherwise', async () => {
    const server = await limited({ ORCH_RATE_LIMIT_PER_MIN: '' });
    expect((await status(server, { role: 'admin' })).headers['ratelimit-policy']).toBe('100;w=60');
  });

  it('does not matter to what is public, to a refused page, and to the window that hosts', async () => {
    const server = await limited({ ORCH_RATE_LIMIT_PER_MIN: '1' });
    for (let at = 0; at < 3; at += 1) {
      expect((await server.request('GET', '/health')).status).toBe(200);
      await server.host.client.call('getStatus', {});
    }
    expect((await status(server, {})).status).toBe(401);
  });

  it('cannot be got round with another correlation id, address or source', async () => {
    const server = await limited({ ORCH_RATE_LIMIT_PER_MIN: '1' });
    await status(server, {});
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-correlation-id': 'new',
      'x-gimo-source': 'cli',
    };
    expectError(await server.request('GET', '/status', { headers }), 'rate_limited');
  });

  it('counts what a role may not do as well', async () => {
    const server = await limited({ ORCH_RATE_LIMIT_PER_MIN: '1' });
    expect((await server.request('GET', '/ops/config', { role: 'actions' })).status).toBe(403);
    expectError(await status(server, { role: 'actions' }), 'rate_limited');
  });

  it.each(['0', '-5', '1.5', 'many'])('cannot be set to %s', async (value) => {
    await expect(limited({ ORCH_RATE_LIMIT_PER_MIN: value })).rejects.toThrow(
      /ORCH_RATE_LIMIT_PER_MIN must be a whole number/,
    );
  });
});
