import { expect, onTestFinished, test } from 'vitest';
import { ChangeEvent } from '../../../src/contract/events.ts';
import { startServer, type TestServer } from '../harness.ts';

interface Frame {
  id: string | null;
  event: string | null;
  data: string;
}

/** Opens the stream with a token of the weakest role, and reads frames as they come. */
async function openStream(server: TestServer, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(`${server.host.url}/ops/events`, {
    headers: { authorization: `Bearer ${server.host.token('actions')}`, ...headers },
    signal: abort.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  /** The next frame that is more than a comment; null when the stream has ended. */
  const next = async (): Promise<Frame | null> => {
    for (;;) {
      const end = rest.indexOf('\n\n');
      if (end >= 0) {
        const lines = rest.slice(0, end).split('\n');
        rest = rest.slice(end + 2);
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
        const data = field('data');
        if (data !== null) return { id: field('id'), event: field('event'), data };
        continue;
      }
      const read = await reader?.read();
      if (read?.value === undefined) return null;
      rest += read.value;
    }
  };
  return { response, next, close: () => abort.abort() };
}

const changeOf = (frame: Frame | null) => ChangeEvent.parse(JSON.parse(frame?.data ?? 'null'));
const propose = (server: TestServer, prompt: string) =>
  server.host.client.call('createDraft', { prompt });

test('a change reaches a reader with the weakest token, numbered by epoch and revision', async () => {
  const server = await startServer();
  const stream = await openStream(server);
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
  const { id } = await propose(server, 'one');
  const frame = await stream.next();
  expect(changeOf(frame)).toEqual({ type: 'draft', id, rev: 1 });
  expect(frame?.id).toBe(`${server.host.epoch}-1`);
});

test('a reader that comes back gets exactly what it missed', async () => {
  const server = await startServer();
  const ids = [];
  for (const prompt of ['one', 'two', 'three']) ids.push((await propose(server, prompt)).id);
  const stream = await openStream(server, { 'last-event-id': `${server.host.epoch}-1` });
  expect([changeOf(await stream.next()).id, changeOf(await stream.next()).id]).toEqual(
    ids.slice(1),
  );
  const { id } = await propose(server, 'four');
  expect(changeOf(await stream.next()).id).toBe(id);
});

test('where it cannot be told what was missed, a reset says so', async () => {
  const server = await startServer();
  await propose(server, 'one');
  for (const last of [`${server.host.epoch + 1}-1`, `${server.host.epoch}-99`, 'nonsense']) {
    const stream = await openStream(server, { 'last-event-id': last });
    expect(await stream.next()).toMatchObject({ event: 'reset' });
    stream.close();
  }
});

test('more changes than are kept are told as a reset, not as a gap', async () => {
  const server = await startServer();
  await Promise.all(Array.from({ length: 1001 }, (_, n) => propose(server, `draft ${n}`)));
  const early = await openStream(server, { 'last-event-id': `${server.host.epoch}-0` });
  expect(await early.next()).toMatchObject({ event: 'reset' });
});

test('the stream ends when the server stops, which does not wait for its readers', async () => {
  const server = await startServer();
  const stream = await openStream(server);
  const ended = stream.next();
  await server.host.stop();
  expect(await ended).toBeNull();
});

test('a token holds a bounded number of streams, and gets another when it closes one', async () => {
  const server = await startServer();
  const streams = [];
  for (let n = 0; n < 32; n += 1) streams.push(await openStream(server));
  const refused = await openStream(server);
  expect(refused.response.status).toBe(429);
  expect(refused.response.headers.get('retry-after')).not.toBeNull();
  const other = await server.request('GET', '/status', { role: 'actions' });
  expect(other.status).toBe(200);
});

test('a stream needs a token, and takes no other method than GET', async () => {
  const server = await startServer();
  expect((await server.request('GET', '/ops/events')).status).toBe(401);
  const posted = await server.request('POST', '/ops/events', { role: 'admin' });
  expect([posted.status, posted.headers.allow]).toEqual([405, 'GET']);
});
