import { expect, onTestFinished, test } from 'vitest';
import { type Seen, watchEvents } from '../../../src/client/events.ts';
import { startServer, type TestServer } from '../harness.ts';

/** Watches with a token of the weakest role until the test has finished. */
function watch(server: TestServer) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const { url } = server.host;
  return watchEvents({ url, token: server.host.token('actions'), signal: stop.signal });
}
const nextOf = async (events: AsyncGenerator<Seen, void>) => (await events.next()).value;
const propose = (server: TestServer) => server.host.client.call('createDraft', { prompt: 'x' });

test('watching a server tells its changes', async () => {
  const server = await startServer();
  const events = watch(server);
  expect(await nextOf(events)).toEqual({ type: 'reset' });
  const { id } = await propose(server);
  expect(await nextOf(events)).toEqual({ type: 'change', event: { type: 'draft', id, rev: 1 } });
});

test('watching goes on when the server starts again, and says that changes may be missing', async () => {
  const server = await startServer();
  const events = watch(server);
  await events.next();
  await propose(server);
  await events.next();
  const again = await server.restart({ port: server.host.port });
  expect(await nextOf(events)).toEqual({ type: 'reset' });
  const { id } = await propose(again);
  expect(await nextOf(events)).toMatchObject({ event: { type: 'draft', id } });
});

test('watching ends with the token that was rotated away', async () => {
  const server = await startServer();
  const events = watch(server);
  await events.next();
  const ended = events.next();
  await server.request('POST', '/ops/tokens/actions/rotate', { role: 'admin' });
  await expect(ended).rejects.toMatchObject({ code: 'token_invalid' });
});
