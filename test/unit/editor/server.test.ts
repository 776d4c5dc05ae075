import { describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { createServer, type ServerState } from '../../../src/editor/server.ts';
import type { Host } from '../../../src/http/host.ts';

function hostOf(stop: () => Promise<void> = async () => {}): Host {
  return {
    url: 'http://127.0.0.1:1',
    port: 1,
    pid: 1,
    dataDir: '',
    ledgerDir: '',
    epoch: 1,
    client: createClient({ send: () => Promise.reject(new Error('not asked')) }),
    onChange: () => () => {},
    token: () => '',
    stop,
  };
}

describe('the server of a window', () => {
  test('starts once, however often it is asked to', async () => {
    const seen: string[] = [];
    let started = 0;
    const server = createServer(
      async () => {
        started++;
        return hostOf();
      },
      (state) => seen.push(state.name),
    );
    await Promise.all([server.start(), server.start()]);
    expect(started).toBe(1);
    expect(seen).toEqual(['starting', 'running']);
  });

  test('a stop waits for the start before it, and leaves nothing running', async () => {
    let stopped = 0;
    const server = createServer(
      async () => hostOf(async () => void stopped++),
      () => {},
    );
    const starting = server.start();
    await server.stop();
    await starting;
    expect(stopped).toBe(1);
    expect(server.state.name).toBe('stopped');
  });

  test('tells why it did not start, and can be tried again', async () => {
    const states: ServerState[] = [];
    let works = false;
    const server = createServer(
      async () => {
        if (works) return hostOf();
        throw new Error('the port is taken');
      },
      (state) => states.push(state),
    );
    await server.start();
    expect(states.at(-1)).toMatchObject({ name: 'failed' });
    works = true;
    await server.start();
    expect(server.state.name).toBe('running');
  });

  test('is stopped when its server ends by itself, even while it starts', async () => {
    let end = () => {};
    const server = createServer(
      async (ended) => {
        end = () => ended('asked over HTTP');
        return hostOf();
      },
      () => {},
    );
    await server.start();
    end();
    expect(server.state.name).toBe('stopped');

    const early = createServer(
      async (ended) => {
        ended('lost the claim');
        return hostOf();
      },
      () => {},
    );
    await early.start();
    expect(early.state.name).toBe('stopped');
  });
});
