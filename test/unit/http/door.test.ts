import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Door, openDoor } from '../../../src/http/door.ts';

let door: Door;
/** The requests that came and have no answer yet, in order. */
let waiting: PromiseWithResolvers<ServerResponse>[];

beforeEach(async () => {
  door = await openDoor(0);
  waiting = [Promise.withResolvers()];
  door.answer((_, response) => {
    waiting.at(-1)?.resolve(response);
    waiting.push(Promise.withResolvers());
  });
});

afterEach(() => door.close());

const nextRequest = () => waiting[0]?.promise ?? Promise.reject(new Error('nobody asked'));

describe('a port that closes', () => {
  it('lets what is nearly done be answered, and hurries nobody before', async () => {
    const asked = fetch(door.url);
    const response = await nextRequest();
    const seen: string[] = [];
    response.once('finish', () => seen.push('answered'));
    const closed = door.close(() => seen.push('hurry'));
    response.end('done');
    const answer = await asked;
    expect(await answer.text()).toBe('done');
    // The client is told, so that it does not ask once more where nobody answers.
    expect(answer.headers.get('connection')).toBe('close');
    await closed;
    expect(seen).toEqual(['answered', 'hurry']);
    await expect(fetch(door.url)).rejects.toThrow();
  });

  it('hurries what takes longer, and waits for its answer', async () => {
    const asked = fetch(door.url);
    const response = await nextRequest();
    await door.close(() => response.writeHead(503).end('stopping'));
    expect((await asked).status).toBe(503);
  });

  it('cuts what does not answer even then', async () => {
    const asked = fetch(door.url);
    const response = await nextRequest();
    const cut = once(response, 'close');
    const refused = expect(asked).rejects.toThrow();
    await door.close();
    await cut;
    await refused;
  });
});
