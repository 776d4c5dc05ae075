import { describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/client.ts';
import { createServer, type Joining, type ServerState } from '../../../src/editor/server/server.ts';
import type { Served } from '../../../src/http/served.ts';

function served(more: Partial<Served> = {}): Served {
  return {
    ...{
      url: 'http://127.0.0.1:1',
      port: 1,
      dataDir: '',
      ledgerDir: '/ledger',
      attached: false,
      commandLine: null,
    },
    client: createClient({ send: () => Promise.reject(new Error('not asked')) }),
    onChange: () => () => {},
    token: async () => '',
    stop: async () => {},
    leave: async () => {},
    ...more,
  };
}

/** Collects the states, and lets a test wait for one. */
function watched() {
  const seen: ServerState[] = [];
  const waiting = new Map<string, () => void>();
  return {
    seen,
    names: () => seen.map(({ name }) => name),
    changed(state: ServerState) {
      seen.push(state);
      waiting.get(state.name)?.();
    },
    next: (name: ServerState['name']) => new Promise<void>((resolve) => waiting.set(name, resolve)),
  };
}

describe('the server of a window', () => {
  test('starts once, however often it is asked to', async () => {
    const states = watched();
    let started = 0;
    const server = createServer(async () => {
      started++;
      return served();
    }, states.changed);
    await Promise.all([server.start(), server.start()]);
    expect(started).toBe(1);
    expect(states.names()).toEqual(['starting', 'running']);
  });

  test('waits for a start that is under way, and starts nothing by that', async () => {
    let started = 0;
    const server = createServer(
      async () => {
        started++;
        return served();
      },
      () => {},
    );
    await server.settled();
    expect([server.state.name, started]).toEqual(['stopped', 0]);
    const starting = server.start();
    await server.settled();
    expect([server.state.name, started]).toEqual(['running', 1]);
    await starting;
  });

  test('a stop waits for the start before it, and leaves nothing running', async () => {
    let stopped = 0;
    const server = createServer(
      async () => served({ stop: async () => void stopped++ }),
      () => {},
    );
    const starting = server.start();
    await server.stop();
    await starting;
    expect(stopped).toBe(1);
    expect(server.state.name).toBe('stopped');
  });

  test('a stop ends a start that looks for a server in vain', async () => {
    const states = watched();
    const server = createServer(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      states.changed,
    );
    const looking = states.next('starting');
    const started = server.start();
    await looking;
    await server.stop();
    await started;
    expect(states.names()).not.toContain('failed');
    expect(server.state.name).toBe('stopped');
  });

  test('a window that closes lets go of its server, and does not stop it on purpose', async () => {
    const done: string[] = [];
    const server = createServer(
      async () =>
        served({
          stop: async () => void done.push('stop'),
          leave: async () => void done.push('leave'),
        }),
      () => {},
    );
    await server.start();
    await server.leave();
    expect(done).toEqual(['leave']);
  });

  test('tells why it did not start, and can be tried again', async () => {
    const states = watched();
    let works = false;
    const server = createServer(async () => {
      if (works) return served();
      throw new Error('the port is taken');
    }, states.changed);
    await server.start();
    expect(states.seen.at(-1)).toMatchObject({ name: 'failed' });
    works = true;
    await server.start();
    expect(server.state.name).toBe('running');
  });

  test('is stopped when somebody else stops it, even while it starts', async () => {
    let end = () => {};
    const server = createServer(
      async ({ ended }) => {
        end = () => ended('stopped');
        return served();
      },
      () => {},
    );
    await server.start();
    end();
    expect(server.state.name).toBe('stopped');

    const early = createServer(
      async ({ ended }) => {
        ended('stopped');
        return served();
      },
      () => {},
    );
    await early.start();
    expect(early.state.name).toBe('stopped');
  });

  test('is joined again when it is gone, and not if it was stopped on purpose', async () => {
    const states = watched();
    const asked: Joining[] = [];
    const found = [served({ attached: true }), served(), null];
    const server = createServer(async (joining) => {
      asked.push(joining);
      return found.shift() ?? null;
    }, states.changed);
    await server.start();

    const running = states.next('running');
    asked[0]?.ended('gone');
    await running;
    expect(asked.map(({ again }) => again)).toEqual([false, true]);
    expect(server.state).toMatchObject({ host: { attached: false } });

    // One that is not the server any more has nothing to say.
    asked[0]?.ended('gone');
    expect(server.state.name).toBe('running');

    const starting = states.next('starting');
    asked[1]?.ended('gone');
    await starting;
    await states.next('stopped');
    expect(asked).toHaveLength(3);
    expect(server.state.name).toBe('stopped');
  });
});
