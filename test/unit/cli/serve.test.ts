import { EventEmitter, once } from 'node:events';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CliDeps } from '../../../src/cli/deps.ts';
import { GimoError } from '../../../src/contract/errors.ts';
import { gimo, workspace } from './gimo.ts';

type HostOptions = Parameters<CliDeps['startHost']>[0];

/** A host that notes what it was asked, and says when it is up and when it was told to stop. */
function fakeHost(stopping: () => Promise<void> = async () => undefined) {
  const events = new EventEmitter();
  const asked: HostOptions[] = [];
  const startHost: CliDeps['startHost'] = async (options) => {
    asked.push(options);
    options.logger.log('info', 'The server starts.', { ts: 'mine', odd: '\u009b2J' });
    setImmediate(() => events.emit('up'));
    return {
      url: 'http://127.0.0.1:4321',
      pid: 99,
      dataDir: '/w/.orch_data',
      stop: async () => {
        events.emit('stop');
        await stopping();
      },
    };
  };
  return { startHost, asked, events };
}

async function serveUntil(signal: string, args: string[] = [], env: Record<string, string> = {}) {
  const host = fakeHost();
  const signals = new EventEmitter();
  const up = once(host.events, 'up');
  const served = gimo(['serve', ...args], { startHost: host.startHost, signals, env });
  await up;
  signals.emit(signal);
  return { ...(await served), asked: host.asked[0], left: signals.eventNames() };
}

test('prints one JSON line when ready, logs to the standard error, and stops on a signal with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const { code, out, err, left } = await serveUntil(signal);
    expect(code).toBe(0);
    expect(out).toBe(
      '{"event":"listening","url":"http://127.0.0.1:4321","pid":99,"data_dir":"/w/.orch_data"}\n',
    );
    expect(err).not.toContain('\u009b');
    expect(JSON.parse(err)).toEqual({
      ts: '2026-11-23T12:00:00.000Z',
      level: 'info',
      message: 'The server starts.',
      odd: '\u009b2J',
    });
    expect(left).toEqual([]);
  }
});

describe('the port', () => {
  test('is the flag before ORCH_PORT before 9325', async () => {
    const env = { ORCH_PORT: '8000' };
    expect((await serveUntil('SIGTERM', ['--port', '0'], env)).asked?.port).toBe(0);
    expect((await serveUntil('SIGTERM', [], env)).asked?.port).toBe(8000);
    expect((await serveUntil('SIGTERM')).asked?.port).toBe(9325);
  });
  test('that ORCH_PORT names must be one', async () => {
    const { code, err } = await gimo(['serve'], { env: { ORCH_PORT: '80x' } });
    expect(code).toBe(2);
    expect(err).toContain('ORCH_PORT');
  });
});

describe('the public address', () => {
  const name = 'https://gimo.example.com';
  test('is the flag before GIMO_PUBLIC_URL, and none if neither is given', async () => {
    const env = { GIMO_PUBLIC_URL: 'https://other.example' };
    const told = async (args: string[], given: Record<string, string> = {}) =>
      (await serveUntil('SIGTERM', args, given)).asked?.publicUrl?.();
    expect(await told(['--public-url', `${name}/`], env)).toBe(name);
    expect(await told([], env)).toBe('https://other.example');
    expect(await told([])).toBe(null);
  });
  test('has to be an origin', async () => {
    for (const [args, env] of [
      [['--public-url', 'gimo.example.com'], {}],
      [['--public-url', `${name}/path`], {}],
      [[], { GIMO_PUBLIC_URL: 'ftp://gimo.example.com' }],
    ] as const) {
      const { code, err } = await gimo(['serve', ...args], { env });
      expect(code).toBe(2);
      expect(err).toContain('has to be an address such as https://gimo.example.com');
    }
  });
});

test('hands the root, the environment and --take-over to the host', async () => {
  const env = { ORCH_TOKEN: 'x' };
  const { asked } = await serveUntil('SIGTERM', ['--take-over', '--root', 'sub'], env);
  expect(asked).toMatchObject({ hostedBy: 'headless', version: '1.2.3', env, takeOver: true });
  expect(asked?.root).toBe(resolve(workspace, 'sub'));
});

test('a start that fails prints why, and ends with 1', async () => {
  const startHost = () =>
    Promise.reject(new GimoError('conflict_state', 'Port 9325 is taken by node (pid 7).'));
  const { code, out, err } = await gimo(['serve'], { startHost });
  expect([code, out, err]).toEqual([1, '', 'gimo: Port 9325 is taken by node (pid 7).\n']);
});

test('a second signal while it stops ends it at once with 1', async () => {
  let release: () => void = () => undefined;
  const stuck = new Promise<void>((done) => {
    release = done;
  });
  const host = fakeHost(() => stuck);
  const signals = new EventEmitter();
  const exits: number[] = [];
  const up = once(host.events, 'up');
  const stopping = once(host.events, 'stop');
  const served = gimo(['serve'], {
    startHost: host.startHost,
    signals,
    exit: (code) => exits.push(code),
  });
  await up;
  signals.emit('SIGTERM');
  await stopping;
  signals.emit('SIGINT');
  expect(exits).toEqual([1]);
  release();
  await served;
});

test('a server that stops by itself ends the command with 0, and says why', async () => {
  const host = fakeHost();
  const up = once(host.events, 'up');
  const served = gimo(['serve'], { startHost: host.startHost });
  await up;
  host.asked[0]?.onStopped?.('asked to over HTTP');
  const { code, err } = await served;
  expect(code).toBe(0);
  expect(err).toContain('asked to over HTTP');
});
