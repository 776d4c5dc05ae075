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

async function serveUntil(
  signal: string,
  args: string[] = [],
  env: Record<string, string> = {},
  columns?: number,
) {
  const host = fakeHost();
  const signals = new EventEmitter();
  const up = once(host.events, 'up');
  const served = gimo(['serve', ...args], {
    ...{ startHost: host.startHost, signals, env },
    ...(columns === undefined ? {} : { columns }),
  });
  await up;
  host.asked[0]?.logger.log('debug', 'GET /status 200');
  host.asked[0]?.tokensMadeAnew?.();
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
    const lines = err.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      ts: '2026-11-23T12:00:00.000Z',
      level: 'info',
      message: 'The server starts.',
      odd: '\u009b2J',
    });
    expect(left).toEqual([]);
  }
});

test('on a terminal says in words where it is, that Ctrl-C ends it, and that it stopped', async () => {
  const { code, out, err } = await serveUntil('SIGINT', [], { NO_COLOR: '1' }, 200);
  expect([code, out]).toEqual([0, '']);
  const [started, listens, lost, ...stopped] = err.split('\n');
  expect(started).toBe('The server starts.');
  expect(listens).toBe(`GIMO listens at http://127.0.0.1:4321 for ${workspace}. Ctrl-C stops it.`);
  expect(lost).toMatch(/^warning: The tokens /);
  expect(stopped).toEqual(['The server stopped.', '']);
  const json = await serveUntil('SIGINT', ['--json'], {}, 200);
  expect(JSON.parse(json.out)).toMatchObject({ event: 'listening' });
  for (const line of json.err.trimEnd().split('\n')) JSON.parse(line);
});

test('warns once that tokens were made anew, and says how clients get them', async () => {
  const { err } = await serveUntil('SIGTERM');
  const told = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level === 'warn');
  expect(told).toMatchObject([{ message: expect.stringContaining('gimo token rotate ROLE') }]);
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
  const atTerminal = fakeHost();
  const upThere = once(atTerminal.events, 'up');
  const person = { columns: 80, env: { NO_COLOR: '1' } };
  const servedThere = gimo(['serve'], { startHost: atTerminal.startHost, ...person });
  await upThere;
  atTerminal.asked[0]?.onStopped?.('It was asked to stop.');
  expect((await servedThere).err).toMatch(/\nThe server stopped\. It was asked to stop\.\n$/);
});
