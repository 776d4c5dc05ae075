import { afterEach, expect, test } from 'vitest';
import { type Seen, type WatchOptions, watchEvents } from '../../../src/client/events.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { type Reply, refuse, startWire, token, type Wire } from '../cli/wire.ts';

let wire: Wire;
let stop = new AbortController();
afterEach(async () => {
  stop.abort();
  stop = new AbortController();
  await wire.close();
});

const watch = (more: Partial<WatchOptions> = {}) =>
  watchEvents({ url: wire.url, token, signal: stop.signal, ...more });
const change = (type: string, id: string, rev: number) => ({
  ...{ type: 'change', event: { type, id, rev } },
});
const reset = { type: 'reset' };
const nextOf = async (events: AsyncGenerator<Seen, void>) => (await events.next()).value;

test('watching begins with a reset, and then tells the changes in their order', async () => {
  wire = await startWire({});
  const events = watch();
  expect(await nextOf(events)).toEqual(reset);
  wire.tell('draft', 'd_1');
  wire.tell('run', 'r_1');
  expect(await nextOf(events)).toEqual(change('draft', 'd_1', 1));
  expect(await nextOf(events)).toEqual(change('run', 'r_1', 2));
  expect(wire.all.map(({ lastEventId }) => lastEventId)).toEqual([undefined]);
});

test('after a lost connection it comes back, and tells what it missed', async () => {
  wire = await startWire({});
  const events = watch();
  await events.next();
  wire.tell('draft', 'd_1');
  await events.next();
  wire.cut();
  wire.tell('draft', 'd_2');
  expect(await nextOf(events)).toEqual(change('draft', 'd_2', 2));
  expect(wire.all.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1-1']);
});

test('a connection that was lost before the first change is followed by another reset', async () => {
  wire = await startWire({});
  const events = watch();
  await events.next();
  wire.cut();
  expect(await nextOf(events)).toEqual(reset);
});

test('a reset of the server, or a change that this version does not know, is a reset', async () => {
  wire = await startWire({});
  const events = watch();
  await events.next();
  wire.sendFrame('event: reset\ndata: {}\n\n');
  expect(await nextOf(events)).toEqual(reset);
  wire.sendFrame('id: 1-7\ndata: {"type":"dream","id":null,"rev":7}\n\n');
  expect(await nextOf(events)).toEqual(reset);
});

test('a refusal that waiting does not change ends it', async () => {
  wire = await startWire({});
  const refused = watch({ token: 'another-token-0123456789' }).next();
  await expect(refused).rejects.toSatisfy((error) => GimoError.is(error, 'token_invalid'));
});

test('a refusal that passes is waited for', async () => {
  const often: Reply = {
    ...refuse(429, 'rate_limited', 'Too often.'),
    headers: { 'retry-after': '1' },
  };
  let refusals = 0;
  wire = await startWire({
    'GET /ops/events': () => {
      refusals += 1;
      if (refusals === 1) return often;
      return { body: 'data: {"type":"plan","id":null,"rev":1}\n\n' };
    },
  });
  const began = performance.now();
  const events = watch();
  expect(await nextOf(events)).toEqual(reset);
  expect(performance.now() - began).toBeGreaterThan(990);
  expect(await nextOf(events)).toEqual({
    ...{ type: 'change', event: { type: 'plan', id: null, rev: 1 } },
  });
});

test('the signal ends it, while it reads and while it waits to come back', async () => {
  wire = await startWire({});
  const reading = watch();
  await reading.next();
  const ended = reading.next();
  stop.abort();
  expect(await ended).toEqual({ done: true, value: undefined });
  const stopWaiting = new AbortController();
  const waiting = watch({
    signal: stopWaiting.signal,
    prove: async () => {
      queueMicrotask(() => stopWaiting.abort());
      throw new TypeError('fetch failed');
    },
  });
  expect(await waiting.next()).toEqual({ done: true, value: undefined });
});

test('the token goes only to a server that proves itself, each time', async () => {
  wire = await startWire({});
  let proofs = 0;
  const events = watch({
    prove: async () => {
      proofs += 1;
      if (proofs > 1) throw new Error('somebody else is there');
    },
  });
  await events.next();
  wire.cut();
  await expect(events.next()).rejects.toThrow('somebody else is there');
  expect(wire.all).toHaveLength(1);
});

test('whoever stops reading closes the connection', async () => {
  wire = await startWire({});
  for await (const seen of watch()) {
    expect(seen).toEqual(reset);
    break;
  }
  await wire.left();
});
